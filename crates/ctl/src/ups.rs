//! `ups`: one answer of a UPS, or one after another.

use std::{sync::mpsc, time::Duration};

use clap::Args;
use devices::ups::{
    port::{Heard, Polling, watch},
    q1::Reading,
};

use crate::{
    Around,
    outcome::{Outcome, Trouble},
};

/// Asks a UPS on a serial port how it is. Only the question `Q1` is ever sent.
#[derive(Args)]
pub struct Ups {
    /// The serial port, e.g. /dev/ttyUSB0 or COM3.
    port: String,
    /// Goes on asking until it is interrupted.
    #[arg(long)]
    watch: bool,
    /// Seconds to wait for the first answer.
    #[arg(long, default_value_t = 5)]
    wait: u64,
}

impl Ups {
    pub fn run(self, around: &Around) -> Outcome {
        let (tell, heard) = mpsc::channel();
        let watching = watch(self.port.clone(), Polling::default(), move |news| {
            // Nobody listens any more: the program is ending.
            let _ = tell.send(news);
        });
        let _watching = watching.map_err(Trouble::failed)?;
        let patience = Duration::from_secs(self.wait);
        loop {
            match heard.recv_timeout(patience) {
                Ok(Heard::Reading(reading)) => {
                    around.tell("ups", &reading, words)?;
                    if !self.watch {
                        return Ok(());
                    }
                }
                Ok(Heard::PortLost) if !self.watch => {
                    return Err(Trouble::missing(format!("{} cannot be opened", self.port)));
                }
                Ok(news) => eprintln!("mediecoctl: {news:?}"),
                Err(_) if self.watch => eprintln!("mediecoctl: the UPS is silent"),
                Err(_) => return Err(Trouble::failed("the UPS does not answer")),
            }
        }
    }
}

fn words(reading: &Reading) -> String {
    let state = match (reading.on_battery, reading.battery_low) {
        (true, true) => "on battery, low",
        (true, false) => "on battery",
        (false, _) => "mains",
    };
    format!(
        "{state}: input {} V, load {} %\n",
        reading.input_volts, reading.load_percent
    )
}
