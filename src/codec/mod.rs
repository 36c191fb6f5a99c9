//! Layer compression: sniffing, decoding and encoding. Bytes in, bytes out; nothing here knows what they mean.
