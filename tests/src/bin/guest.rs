//! A guest of a hall: guest URI NAME TASKS CALLS
//!
//! It counts from so many tasks at once, so often in each. `tests/ruby/guest.rb` does the same.

use drb_tests::hall::{Guest, HallProxy};
use std::sync::Arc;
use tokio::{
    io::{AsyncBufReadExt, BufReader, stdin},
    sync::mpsc,
};

struct Own {
    name: String,
    heard: mpsc::UnboundedSender<String>,
}

#[drb::service]
impl Guest for Own {
    async fn name(&self) -> String {
        self.name.clone()
    }

    async fn hear(&self, news: String) {
        // After the last one nobody listens.
        let _ = self.heard.send(news);
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, uri, name, tasks, calls] = arguments.as_slice() else {
        return Err("guest URI NAME TASKS CALLS".into());
    };
    if uri.starts_with("druby:") {
        drb::start_service(None, ()).await?;
    }
    let hall = HallProxy::connect(uri).await?;
    let (heard, mut news) = mpsc::unbounded_channel();
    let own = Arc::new(Own { name: name.clone(), heard });
    println!("ready");
    BufReader::new(stdin()).read_line(&mut String::new()).await?;

    let (tasks, calls): (u32, u32) = (tasks.parse()?, calls.parse()?);
    let tasks: Vec<_> = (0..tasks)
        .map(|_| {
            let hall = hall.clone();
            tokio::spawn(async move {
                let mut sum = 0;
                for _ in 0..calls {
                    sum += hall.count().await?;
                }
                Ok::<u64, drb::Error>(sum)
            })
        })
        .collect();
    let greeting = hall.greet(&own).await?;
    hall.observe(&own).await?;
    let mut sum = 0;
    for task in tasks {
        sum += task.await??;
    }
    println!("{sum} {greeting}");
    while let Some(news) = news.recv().await {
        println!("heard {news}");
        if news == "over" {
            break;
        }
    }
    // The answer to the call that has brought it is on its way.
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    Ok(())
}
