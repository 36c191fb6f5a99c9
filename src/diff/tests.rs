//! Small images, compared.
