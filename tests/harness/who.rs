//! A server in a container that tells who it is and whom it sees.

use super::host::Host;
use super::wait::eventually;

const PROGRAM: &str = r#"
import socket, threading

def who(peer):
    host = peer[0].removeprefix("::ffff:")
    return f"server={socket.gethostname()} peer={host}\n".encode()

def udp(sock):
    while True:
        _, peer = sock.recvfrom(2048)
        sock.sendto(who(peer), peer)

datagrams = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
datagrams.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
datagrams.bind(("::", 80))
threading.Thread(target=udp, args=[datagrams], daemon=True).start()
server = socket.create_server(("::", 80), family=socket.AF_INET6, dualstack_ipv6=True)
print("ready", flush=True)
while True:
    stream, peer = server.accept()
    try:
        stream.recv(2048)
        body = who(peer)
        head = f"HTTP/1.0 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
        stream.sendall(head.encode() + body)
    except OSError:
        pass
    stream.close()
"#;

impl Host {
    /// Runs a container that answers `server=HOSTNAME peer=ADDRESS` at port 80, over
    /// TCP and UDP; its hostname is its name.
    #[track_caller]
    pub fn who_server(&self, name: &str, flags: &str) {
        let program = self.write("who.py", PROGRAM);
        self.ok(&format!(
            "run -d --name {name} --hostname {name} -v {program}:/who.py:ro {flags} flask:3.1 \
             python3 /who.py"
        ));
        self.until_ready(name);
    }

    /// Waits until a `who_server` listens.
    #[track_caller]
    pub fn until_ready(&self, name: &str) {
        eventually("the server to be ready", || {
            let output = self.rbox(&["logs", name]);
            assert!(output.stderr.is_empty(), "{output:?}");
            output.stdout.ends_with("ready\n").then_some(())
        });
    }
}
