//! What slim asks of an engine, however it is reached: a file with this trait for each way.

use crate::Result;
use crate::image::Platform;
use std::fs::File;
use std::io::Read;

/// An engine with a store of images.
pub trait Engine {
    /// The words for messages: the program's name, or the socket.
    fn name(&self) -> String;

    /// Looks an image up by its name or id. `None` if the engine has none.
    ///
    /// # Errors
    /// Returns an error if the engine does not answer.
    fn find(&self, reference: &str) -> Result<Option<Known>>;

    /// Lists the names of all images.
    ///
    /// # Errors
    /// Returns an error if the engine does not answer.
    fn names(&self) -> Result<Vec<String>>;

    /// Begins to export an image as an archive. The reader fails at the end of the stream if the engine did not send all of it.
    ///
    /// # Errors
    /// Returns an error if the engine does not answer.
    fn save(&self, reference: &str, platform: Option<&Platform>) -> Result<Box<dyn Read + Send>>;

    /// Imports the archive in `file`, from its beginning on.
    ///
    /// # Errors
    /// Returns an error if the engine refuses it.
    fn load(&self, file: &File) -> Result<()>;
}

/// An image that an engine has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The id: the digest of the config, or where the engine knows images so, of the manifest or index.
    pub id: String,
    /// The names with tags, in the engine's spelling.
    pub names: Vec<String>,
}
