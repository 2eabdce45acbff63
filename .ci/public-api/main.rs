//! Lists the public API that rustdoc wrote down as JSON, one item a line.

use std::env;
use std::error::Error;

use public_api::Builder;

fn main() -> Result<(), Box<dyn Error>> {
    let json = env::args_os().nth(1).ok_or("which file?")?;
    // What every type has says nothing of this one; whether it is `Send` and `Sync` is tested in `tests/api.rs`.
    let api = Builder::from_rustdoc_json(json).omit_auto_trait_impls(true).omit_blanket_impls(true).build()?;
    print!("{api}");
    Ok(())
}
