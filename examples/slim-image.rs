//! Slims an image with the library alone: `cargo run --example slim-image -- IN OUT [PROFILE]...`

use slim::pipeline::{Request, Silent, run};

fn main() -> slim::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (input, output) = (arguments.next().unwrap_or_default(), arguments.next());
    let profiles: Vec<String> = arguments.collect();
    let profiles = if profiles.is_empty() { vec!["auto".into()] } else { profiles };
    let request = Request { input, output, profiles, ..Request::default() };
    let report = run(&request, &Silent)?.publish()?;
    let after = report.output.map_or(0, |output| output.uncompressed_bytes);
    println!("{} bytes of layers before, {after} after", report.input.uncompressed_bytes);
    Ok(())
}
