//! Connections that say nothing, or not enough: they must not keep others out.

use futures::future::join_all;
use tokio::net::TcpStream;

use super::Site;

/// Far more than there are places.
const MANY: usize = 1100;

/// As many for which TLS is agreed upon, which costs both sides.
const SOME: usize = 600;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_without_a_word() {
    let site = Site::start().await;
    let address = site.client.address;
    let attack = async {
        let streams = join_all((0..MANY).map(|_| TcpStream::connect(address))).await;
        (format!("{MANY} connections without a handshake"), streams)
    };
    site.endures("silence", attack).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handshakes_without_a_request() {
    let site = Site::start().await;
    let attack = async {
        let streams = site.client.connect_each(SOME, b"").await;
        (format!("{SOME} connections, silent after the handshake"), streams)
    };
    site.endures("silence after TLS", attack).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_without_an_end() {
    let site = Site::start().await;
    let attack = async {
        let mut beginning = b"POST /validate HTTP/1.1\r\nhost: a\r\nx: ".to_vec();
        beginning.extend([b'y'; 12_000]);
        let streams = site.client.connect_each(SOME, &beginning).await;
        (format!("{SOME} heads of 12 KB that never end"), streams)
    };
    site.endures("unfinished heads", attack).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_to_the_admin_port_without_a_word() {
    let site = Site::start().await;
    let address = site.served.admin_address();
    let attack = async {
        let streams = join_all((0..MANY).map(|_| TcpStream::connect(address))).await;
        (format!("{MANY} connections without a request"), streams)
    };
    site.endures("silence on the admin port", attack).await;
}
