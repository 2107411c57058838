//! Conversations in which every process is both caller and called. A program of its own, since here
//! this process's first server has to stay for as long as the program: it is where others call back.

mod suite;
mod three;
