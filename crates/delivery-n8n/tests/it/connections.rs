//! What connections that fail mean.

use std::time::{Duration, Instant};

use domain::ports::HandOffAnswer;
use test_support::scripted_n8n::{Reaction, ScriptedN8n};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::support::{PATIENCE, error_of, gateway, gateway_with, hand_off, impatient_gateway, settings};

#[tokio::test]
async fn a_port_where_nobody_listens_did_not_take_it() {
    let n8n = ScriptedN8n::start(|_| Reaction::accepted()).await.unwrap();
    let gateway = gateway(&n8n.url());
    n8n.stop().await;
    let answer = hand_off(&gateway).await;
    assert!(matches!(answer, HandOffAnswer::NotAccepted { retry_after: None, .. }), "{answer:?}");
    assert!(error_of(answer).starts_with("could not connect to N8N: Connection refused"));
}

#[tokio::test]
async fn a_name_that_nobody_has_did_not_take_it() {
    let answer = hand_off(&gateway("http://n8n.invalid:5678/webhook/secret-path")).await;
    let error = error_of(answer);
    assert!(error.starts_with("could not connect to N8N: "), "{error}");
    assert!(!error.contains("secret-path"), "{error}");
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_did_not_take_it() {
    let n8n = ScriptedN8n::start(|_| Reaction::accepted()).await.unwrap();
    let url = n8n.url().replace("http:", "https:");
    // A machine without certificates has no way to an https address at all.
    let Ok(gateway) = gateway_with(settings(&url)) else { return };
    let answer = hand_off(&gateway).await;
    assert!(matches!(answer, HandOffAnswer::NotAccepted { .. }), "{answer:?}");
    assert_eq!(n8n.log().hand_offs.len(), 0);
}

#[tokio::test]
async fn a_connection_that_does_not_come_about_in_time_did_not_take_it() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    // Nobody accepts; once the queue is full the system leaves whoever connects without an answer.
    let mut queue = Vec::new();
    while let Ok(connected) =
        tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(address)).await
    {
        queue.push(connected.unwrap());
    }
    let gateway = impatient_gateway(&format!("http://{address}/"), Duration::from_millis(600));
    let answer = hand_off(&gateway).await;
    assert_eq!(error_of(answer), "could not connect to N8N: no connection in time");
}

#[tokio::test]
async fn an_n8n_that_hangs_leaves_the_outcome_unknown_when_the_time_is_over() {
    let n8n = ScriptedN8n::start(|_| Reaction::hang()).await.unwrap();
    let start = Instant::now();
    let answer = hand_off(&impatient_gateway(&n8n.url(), Duration::from_millis(300))).await;
    assert_eq!(answer, HandOffAnswer::Unknown);
    assert!(
        start.elapsed() >= Duration::from_millis(300) && start.elapsed() < PATIENCE,
        "{:?}",
        start.elapsed()
    );
    assert_eq!(n8n.log().hand_offs.len(), 1);
}

#[tokio::test]
async fn a_connection_closed_without_an_answer_leaves_the_outcome_unknown_and_is_not_tried_again() {
    let n8n = ScriptedN8n::start(|_| Reaction::close()).await.unwrap();
    assert_eq!(hand_off(&gateway(&n8n.url())).await, HandOffAnswer::Unknown);
    assert_eq!(n8n.log().hand_offs.len(), 1);
}

#[tokio::test]
async fn an_answer_that_does_not_end_is_cut_off_when_the_time_is_over() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"status\":").await.unwrap();
        // Open until the other side gives up.
        let _ = stream.read(&mut [0; 8]).await;
    });
    let answer = hand_off(&impatient_gateway(&url, Duration::from_millis(300))).await;
    assert_eq!(answer, HandOffAnswer::Unknown);
    server.await.unwrap();
}

#[tokio::test]
async fn hand_offs_one_after_the_other_share_a_connection() {
    let n8n = ScriptedN8n::start(|_| Reaction::accepted()).await.unwrap();
    let gateway = gateway(&n8n.url());
    for _ in 0..5 {
        assert_eq!(hand_off(&gateway).await, HandOffAnswer::Accepted);
    }
    let log = n8n.log();
    assert!(log.hand_offs.iter().all(|hand_off| hand_off.peer == log.hand_offs[0].peer));
}

#[tokio::test]
async fn a_connection_that_n8n_closes_after_its_answer_costs_no_message_its_outcome() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (closed, mut is_closed) = tokio::sync::mpsc::unbounded_channel();
    let server = tokio::spawn(async move {
        for _ in 0..20 {
            let (mut stream, _) = listener.accept().await.unwrap();
            read_request(&mut stream).await;
            // Says nothing of closing.
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await.unwrap();
            drop(stream);
            closed.send(()).unwrap();
        }
    });
    let gateway = gateway(&url);
    for _ in 0..20 {
        assert_eq!(hand_off(&gateway).await, HandOffAnswer::Accepted);
        is_closed.recv().await.unwrap();
        // Lets the client's own task see that the connection is gone.
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
    }
    server.await.unwrap();
}

/// Reads until the body, which is JSON, is complete.
async fn read_request(stream: &mut TcpStream) {
    let mut request = Vec::new();
    while !request.ends_with(b"}") {
        assert!(stream.read_buf(&mut request).await.unwrap() > 0, "closed before the request was complete");
    }
}
