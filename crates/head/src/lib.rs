//! What HTTP heads are made of, whatever the wire format: methods, field names and values, Host, request targets.
//!
//! A head crosses the border with JavaScript as one *block*: Latin-1 bytes `name\0value\0name\0value\0…`. This crate
//! is the only place that says which bytes may stand in one, so that what one side wrote the other cannot split.
//! Nothing here allocates and nothing here knows a wire format.
#![forbid(unsafe_code)]

mod block;
mod bytes;
mod host;
mod method;
mod name;
mod status;
mod target;
mod trailer;

pub use block::{Field, Fields, check_block, check_value, fields};
pub use bytes::{is_token_byte, is_value_byte, target_run, token_run, value_run};
pub use host::{check_authority, check_host};
pub use method::Method;
pub use name::{eq_name, is_name, list_items, trim_ows};
pub use status::reason;
pub use target::{TargetForm, check_target};
pub use trailer::trailer_allowed;
