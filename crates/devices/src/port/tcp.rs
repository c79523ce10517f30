//! A printer on the network.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use super::talk::{self, Line};
use super::{Limits, Refusal, SendOutcome};

pub(super) fn send(host: &str, port: u16, bytes: &[u8], limits: &Limits) -> SendOutcome {
    match connect(host, port, limits.connect) {
        Ok(mut stream) => talk::send(&mut stream, bytes, limits),
        Err(error) => SendOutcome::NothingLeft {
            reason: Refusal::from_io(&error),
        },
    }
}

/// Tries each address of the host until one takes the connection or the time is up.
fn connect(host: &str, port: u16, patience: Duration) -> io::Result<TcpStream> {
    let deadline = Instant::now() + patience;
    let mut last = ErrorKind::NotFound.into();
    for address in (host.trim_matches(['[', ']']), port).to_socket_addrs()? {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        match TcpStream::connect_timeout(&address, left) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

impl Line for TcpStream {
    fn set_patience(&mut self, patience: Duration) -> io::Result<()> {
        self.set_write_timeout(Some(patience))?;
        self.set_read_timeout(Some(patience))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(self, bytes)
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Read::read(self, buffer)
    }

    /// Closes our half and reads the other half to its end: a socket dropped with unread bytes would reset the
    /// connection and take with it what the printer has not read yet. That the printer never closes is no loss.
    fn finish(&mut self, deadline: Instant) -> io::Result<()> {
        self.shutdown(Shutdown::Write)?;
        let mut buffer = [0; 64];
        while Instant::now() < deadline {
            match Read::read(self, &mut buffer) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) if talk::gave_up(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
