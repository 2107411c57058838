//! The web application. It gets the URI of the store, and the address to listen on:
//! `cargo run -p drb-session-store --bin session_web druby://localhost:9000 127.0.0.1:8080`

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::get,
};
use drb_session_store::SessionsProxy;
use tokio::net::TcpListener;
use uuid::Uuid;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A proxy is cheap to clone, and its calls may be made from any task.
    let sessions = SessionsProxy::connect(&drb_examples::uri()).await?;
    let app = Router::new().route("/leave", get(leave)).fallback(page).with_state(sessions);

    let address = std::env::args().nth(2).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("ready http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

async fn page(State(sessions): State<SessionsProxy>, headers: HeaderMap, uri: Uri) -> Response {
    let id = session_id(&headers).unwrap_or_else(|| Uuid::new_v4().to_string());
    match sessions.visit(&id, uri.path()).await {
        Ok(session) => {
            let cookie = format!("session={id}; HttpOnly; SameSite=Lax; Path=/");
            ([(header::SET_COOKIE, cookie)], format!("visit {}\n", session.visits)).into_response()
        }
        Err(error) => unavailable(&error),
    }
}

async fn leave(State(sessions): State<SessionsProxy>, headers: HeaderMap) -> Response {
    let Some(id) = session_id(&headers) else { return "never seen\n".into_response() };
    match sessions.remove(&id).await {
        Ok(Some(session)) => format!("goodbye after {} visits\n", session.visits).into_response(),
        Ok(None) => "never seen\n".into_response(),
        Err(error) => unavailable(&error),
    }
}

fn unavailable(error: &drb::Error) -> Response {
    eprintln!("the session store: {error}");
    (StatusCode::SERVICE_UNAVAILABLE, "the session store cannot be reached\n").into_response()
}

/// The id in the cookie, if it is one that this application has made.
fn session_id(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get(header::COOKIE)?.to_str().ok()?;
    let id = cookies.split("; ").find_map(|cookie| cookie.strip_prefix("session="))?;
    Uuid::parse_str(id).is_ok().then(|| id.to_owned())
}
