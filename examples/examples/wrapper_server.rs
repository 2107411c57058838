//! A narrow object in front of a wide one. The wide one can do anything, and is not exported; the
//! narrow one offers what strangers may have, and looks at every argument first.
//! `cargo run -p drb-examples --example wrapper_server druby://localhost:9000`

use drb::prelude::*;
use std::collections::BTreeMap;

/// Wide: not a service, so that nothing of it can be called from elsewhere.
struct Archive {
    documents: BTreeMap<String, String>,
}

impl Archive {
    fn document(&self, path: &str) -> Option<&str> {
        self.documents.get(path).map(String::as_str)
    }

    fn paths(&self) -> impl Iterator<Item = &str> {
        self.documents.keys().map(String::as_str)
    }
}

/// Narrow: the documents below `public/`, by their names.
#[derive(DrbUndumped)]
struct Reader {
    archive: Archive,
}

#[derive(Debug, thiserror::Error, DrbError)]
enum ReaderError {
    #[error("a name is 1 to 32 letters, digits and dashes, not {name:?}")]
    #[drb(class = "ArgumentError")]
    BadName { name: String },
    #[error("no document is named {name}")]
    #[drb(class = "KeyError")]
    Unknown { name: String },
}

#[drb::service]
impl Reader {
    pub fn read(&self, name: String) -> Result<String, ReaderError> {
        let good = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if name.is_empty() || name.len() > 32 || !name.chars().all(good) {
            return Err(ReaderError::BadName { name });
        }
        match self.archive.document(&format!("public/{name}")) {
            Some(text) => Ok(text.to_owned()),
            None => Err(ReaderError::Unknown { name }),
        }
    }

    pub fn names(&self) -> Vec<String> {
        let public = self.archive.paths().filter_map(|path| path.strip_prefix("public/"));
        public.map(str::to_owned).collect()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let documents = [
        ("public/welcome", "Everybody may read this."),
        ("public/hours", "Open from 9 to 5."),
        ("private/wages", "Nobody may read this."),
    ];
    let documents = documents.map(|(path, text)| (path.to_owned(), text.to_owned())).into();
    let reader = Reader { archive: Archive { documents } };

    let server = drb::start_service(&drb_examples::uri(), reader).await?;
    println!("ready {}", server.uri());
    Ok(drb_examples::until_interrupted(server).await?)
}
