//! A server, its client, and the plain answer.

use millrace_engine::ServerOptions;
use millrace_testkit::client::Client;
use millrace_testkit::driver::Driver;

pub use millrace_testkit::driver::OK;

pub fn listen() -> (Driver, Client) {
    listen_with(ServerOptions::default())
}

pub fn listen_with(options: ServerOptions) -> (Driver, Client) {
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(options);
    (driver, Client::connect(addr))
}
