//! Between the scan and the plan: contents are read again where a rule asks for more than a scan could know, and new ones are
//! made where a rule of the user's names a program. What comes of it is handed to the plan as data; new contents wait in one
//! temporary file until they are written.

use crate::plan::{self, Plan, Request, links, made::Made};
use crate::source::{Input, LayerRef};
use crate::{Result, layer::LayerIndex};

mod shelf;
mod twins;

pub use shelf::{Content, Shelf};

/// Plans one image, and reads and makes what its rules need for that. `layers` are those that the request's are the index of.
///
/// # Errors
/// Those of the input and of temporary files.
pub fn plan<'a>(input: &'a Input, layers: &'a [LayerRef], request: &Request<'a>) -> Result<Plan> {
    let verdicts = plan::decide(request);
    let rewrites = plan::rewrites(request, &verdicts, &Made::default());
    let candidates = links::candidates(request, &verdicts.proposals, &verdicts.decided.dropped, &rewrites);
    let unknown = candidates.unknown();
    let indexes: &[&LayerIndex] = request.layers;
    let shelf = Shelf::new(input, layers, indexes, unknown.iter().copied())?;
    let links = links::links(request, &candidates, &rewrites, &twins::hashes(&shelf, &unknown)?);
    Ok(plan::finish(request, verdicts, rewrites, links))
}
