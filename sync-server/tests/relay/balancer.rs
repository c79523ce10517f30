//! What stands before several nodes: it passes each connection on to the next node that takes it, and knows nothing else.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use sync_client::RelayAddress;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

use crate::node::Node;

pub struct Balancer {
    pub address: RelayAddress,
    nodes: Arc<Mutex<Vec<SocketAddr>>>,
    accepting: AbortHandle,
}

impl Balancer {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("ws://{}", listener.local_addr().unwrap());
        let nodes: Arc<Mutex<Vec<SocketAddr>>> = Arc::default();
        let known = Arc::clone(&nodes);
        let accepting = tokio::spawn(async move {
            while let Ok((mut device, _)) = listener.accept().await {
                let known = Arc::clone(&known);
                tokio::spawn(async move {
                    for _ in 0..8 {
                        let next = {
                            let mut nodes = known.lock().unwrap();
                            if nodes.is_empty() {
                                return;
                            }
                            nodes.rotate_left(1);
                            nodes[0]
                        };
                        if let Ok(mut node) = TcpStream::connect(next).await {
                            drop(copy_bidirectional(&mut device, &mut node).await);
                            return;
                        }
                    }
                });
            }
        });
        Self {
            address: RelayAddress::new(&address, None).unwrap(),
            nodes,
            accepting: accepting.abort_handle(),
        }
    }

    /// This node is one of those behind it from now on. One that is gone is found out.
    pub fn add(&self, node: &Node) {
        let url = node.address.url();
        let address = url.trim_start_matches("ws://").parse().unwrap();
        self.nodes.lock().unwrap().push(address);
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
