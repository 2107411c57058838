//! Streams in both directions: the progress of a long job, and the upload of a large file.
//!
//! ```sh
//! cargo run -p drb-examples --example streams
//! ```

use drb::prelude::*;
use futures_util::{Stream, StreamExt, stream};
use std::time::Duration;
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncWriteExt},
};

#[derive(Debug, Clone, DrbDumped)]
struct Progress {
    step: String,
    percent: u8,
}

struct Workshop {
    steps: Vec<&'static str>,
}

#[drb::service]
impl Workshop {
    /// Each step begins when the caller wants to hear of it, and none is done after it has left.
    pub fn build(&self) -> impl Stream<Item = Progress> {
        stream::iter(self.steps.iter().enumerate()).then(move |(done, step)| async move {
            tokio::time::sleep(Duration::from_millis(5)).await; // the work
            let percent = (done + 1) * 100 / self.steps.len();
            Progress { step: (*step).to_owned(), percent: percent as u8 }
        })
    }

    /// Only a few chunks are in memory at a time, however large the file is.
    pub async fn store(&self, mut chunks: drb::Stream<Vec<u8>>) -> drb::Result<u64> {
        let mut stored = 0;
        while let Some(chunk) = chunks.next().await {
            stored += chunk?.len() as u64;
        }
        Ok(stored)
    }

    /// Has no end of its own: its reader leaves.
    pub fn fibonacci(&self) -> impl Stream<Item = u64> {
        stream::iter(std::iter::successors(Some((1, 1)), |(a, b)| Some((*b, a + b))))
            .map(|(a, _)| a)
    }
}

/// The file's bytes, read when they are wanted.
fn chunks(file: File) -> impl Stream<Item = Vec<u8>> {
    stream::unfold(file, |mut file| async {
        let mut chunk = Vec::with_capacity(64 << 10);
        let read = (&mut file).take(64 << 10).read_to_end(&mut chunk).await.ok()?;
        (read > 0).then_some((chunk, file))
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let steps = vec!["compile", "link", "test", "pack"];
    let server = drb::start_service("drb://localhost:0", Workshop { steps }).await?;
    let workshop = WorkshopProxy::connect(server.native_uri()).await?; // from any process

    let mut build = workshop.build().await?;
    while let Some(progress) = build.next().await {
        let Progress { step, percent } = progress?;
        println!("{step}: {percent} %");
    }

    let path = std::env::temp_dir().join(format!("drb-streams-{}", std::process::id()));
    File::create(&path).await?.write_all(&vec![7; 4 << 20]).await?;
    let stored = workshop.store(chunks(File::open(&path).await?)).await;
    tokio::fs::remove_file(&path).await?;
    println!("stored {} bytes of a file, 64 KiB at a time", stored?);

    let mut numbers = workshop.fibonacci().await?;
    for _ in 0..6 {
        if let Some(number) = numbers.next().await {
            print!("{}, ", number?);
        }
    }
    drop(numbers); // the server's stream goes, too
    println!("and so on for ever");
    Ok(())
}
