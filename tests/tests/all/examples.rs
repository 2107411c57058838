//! The examples do what they say.

use drb_tests::{SOON, Server, read_to_close, ruby, ruby_example, run_example, socket_path};
use tokio::{io::AsyncWriteExt, net::TcpStream};

#[tokio::test]
async fn quickstart() {
    let printed = run_example("quickstart", &[]).await;
    let (listening, rest) = printed.split_once('\n').unwrap();
    assert!(listening.starts_with("listening on druby://localhost:"), "{listening}");
    let expected = r##"inc  -> 1
inc  -> 42
get  -> Entry { key: "counter", hits: 42 }
get  -> no nobody
eval -> undefined method 'instance_eval' for #<Store> (NoMethodError)
"##;
    assert_eq!(rest, expected);
}

#[tokio::test]
async fn streams() {
    let expected = "compile: 25 %
link: 50 %
test: 75 %
pack: 100 %
stored 4194304 bytes of a file, 64 KiB at a time
1, 1, 2, 3, 5, 8, and so on for ever
";
    assert_eq!(run_example("streams", &[]).await, expected);
}

#[tokio::test]
async fn native_quickstart() {
    let expected = "theirs counts to 40
ours counts to 2
100 calls over 1 connection
held: 1
held: 0
over Ruby's wire, too: 7
";
    assert_eq!(run_example("native_quickstart", &[]).await, expected);
}

#[tokio::test]
async fn callbacks_behind_nat() {
    let expected = "client: my server is None
client: 1 was told
client: I hear that the tea is ready
client: I hear that there is cake
server: 0 hear this
";
    assert_eq!(run_example("callbacks_behind_nat", &[]).await, expected);
}

#[tokio::test]
async fn deadlines() {
    let expected = "cook: no result within 250ms (the method may have run)
cook: the method was stopped
cook: the other one as well
pay: the method may have run, and it was paid once
bake: the oven is off
afterwards: the method has not run
";
    assert_eq!(run_example("deadlines", &[]).await, expected);
}

#[tokio::test]
async fn pipelining() {
    let expected = "the second one: TCP/IP
both: Ethernet, TCP/IP
the method has not run: there is no object to call, because of an earlier call: there is no shelf about \
cooking (RuntimeError)
the method's own error: there is no shelf about cooking
no third one: the method has not run
";
    for arguments in [&[][..], &["druby://localhost:0"]] {
        assert_eq!(run_example("pipelining", arguments).await, expected);
    }
}

#[tokio::test]
async fn in_process() {
    for (arguments, at) in [
        (&[][..], "drb+local"),
        (&["drb://localhost:0"], "drb"),
        (&["druby://localhost:0"], "druby"),
    ] {
        let expected =
            format!("milk costs 1\ntea costs 3\nsold: tea for 3\ncake: there is none\nat {at}\n");
        assert_eq!(run_example("in_process", arguments).await, expected);
    }
}

#[tokio::test]
async fn wrapper_server() {
    let server = Server::example("wrapper_server").await;
    let program = r##"
        reader = DRbObject.new_with_uri(ARGV[0])
        p reader.names, reader.read('welcome')
        ['../private/wages', 'private/wages', '', 'x' * 33, 'absent', :welcome, 1, nil, ['welcome']].each do |name|
          reader.read(name)
          puts 'read'
        rescue => error
          puts "#{error.class}: #{error.message}"
        end
    "##;
    let printed = ruby(program, &[server.uri()]).await;
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines[..2], ["[\"hours\", \"welcome\"]", "\"Everybody may read this.\""]);
    let classes: Vec<&str> =
        lines[2..].iter().map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(
        classes,
        [
            "ArgumentError",
            "ArgumentError",
            "ArgumentError",
            "ArgumentError",
            "KeyError",
            "read",
            "TypeError",
            "TypeError",
            "TypeError",
        ],
        "{printed}"
    );
    assert!(!printed.contains("Nobody may read this."));
}

#[tokio::test]
async fn ruby_client() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/examples/ruby_server.rb");
    let server = Server::ruby(script, &["druby://127.0.0.1:0"]).await;
    let printed = run_example("ruby_client", &[server.uri()]).await;
    let expected = "empty: false
found The dRuby Book (2012)
found Programming Ruby (2000)
lent The dRuby Book until day 14
not again before day 14
";
    assert_eq!(printed, expected);
}

/// Asks the web application for a page, and gives the cookie that it sets, and the text.
async fn get(web: &Server, path: &str, cookie: Option<&str>) -> (Option<String>, String) {
    let authority = web.uri().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(authority).await.unwrap();
    let cookie = cookie.map_or(String::new(), |cookie| format!("Cookie: a=b; {cookie}\r\n"));
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n{cookie}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let answer = read_to_close(&mut stream, SOON).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: "));
    let cookie = cookie.map(|cookie| cookie.split(';').next().unwrap().to_owned());
    (cookie, body.to_owned())
}

#[tokio::test]
async fn sessions_survive_a_restart_of_the_web_application() {
    let store = Server::example("session_store").await;
    let start = || Server::example_at("session_web", store.uri(), &["127.0.0.1:0"]);
    let web = start().await;
    let (cookie, text) = get(&web, "/", None).await;
    let cookie = cookie.unwrap();
    assert_eq!(text, "visit 1\n");
    assert_eq!(get(&web, "/about", Some(&cookie)).await.1, "visit 2\n");
    assert_eq!(get(&web, "/", None).await.1, "visit 1\n");
    assert_eq!(get(&web, "/", Some("session=guessed")).await.1, "visit 1\n");
    web.kill().await;

    let web = start().await;
    assert_eq!(get(&web, "/", Some(&cookie)).await, (Some(cookie.clone()), "visit 3\n".to_owned()));
    assert_eq!(get(&web, "/leave", Some(&cookie)).await.1, "goodbye after 3 visits\n");
    assert_eq!(get(&web, "/leave", Some(&cookie)).await.1, "never seen\n");

    store.kill().await;
    let (_, text) = get(&web, "/", Some(&cookie)).await;
    assert_eq!(text, "the session store cannot be reached\n");
}

/// The system says who pins a note, whichever language is at either end; another user can't clear the board.
#[tokio::test]
async fn unix_board() {
    let uid = ruby("print Process.euid", &[]).await;
    let note = format!("{uid}: the tea is ready");
    for language in ["rs", "rb"] {
        let path = socket_path(&format!("board-{language}"));
        let uri = format!("drbunix:{}", path.display());
        let board = match language {
            "rs" => Server::example_at("unix_server", &uri, &[]).await,
            _ => Server::ruby(&ruby_example("unix_server.rb").to_string_lossy(), &[&uri]).await,
        };
        let client = ruby_example("unix_client.rb");
        let cleared = format!("{note}\ncleared\n");
        assert_eq!(run_example("unix_client", &[board.uri()]).await, cleared);
        let printed = ruby("load ARGV.shift", &[&client.to_string_lossy(), board.uri()]).await;
        assert_eq!(printed, cleared);
        if uid != "0" {
            continue; // Only root can be somebody else.
        }
        let program = "Process::Sys.seteuid(4711); load ARGV.shift";
        let printed = ruby(program, &[&client.to_string_lossy(), board.uri()]).await;
        let expected = "4711: the tea is ready\nnot cleared: 'clear' of #<Board> is not for you\n";
        assert_eq!(printed, expected, "{language}");
    }
}
