//! The messages of TensorFlow's graphs, as far as they are read; a reader of protocol buffers skips the rest.
//!
//! Source: TensorFlow, `graph.proto`, `node_def.proto`, `attr_value.proto`, `tensor.proto`.

use std::collections::HashMap;

use prost::Message;

#[derive(Clone, PartialEq, Message)]
pub(super) struct GraphDef {
    #[prost(message, repeated, tag = "1")]
    pub(super) nodes: Vec<NodeDef>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct NodeDef {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) operation: String,
    #[prost(string, repeated, tag = "3")]
    pub(super) inputs: Vec<String>,
    #[prost(map = "string, message", tag = "5")]
    pub(super) attributes: HashMap<String, Attribute>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Attribute {
    #[prost(message, optional, tag = "1")]
    pub(super) list: Option<List>,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) text: Vec<u8>,
    #[prost(int64, tag = "3")]
    pub(super) integer: i64,
    #[prost(float, tag = "4")]
    pub(super) float: f32,
    #[prost(bool, tag = "5")]
    pub(super) truth: bool,
    #[prost(int32, tag = "6")]
    pub(super) data_type: i32,
    #[prost(message, optional, tag = "7")]
    pub(super) shape: Option<Shape>,
    #[prost(message, optional, tag = "8")]
    pub(super) tensor: Option<TensorProto>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct List {
    #[prost(bytes = "vec", repeated, tag = "2")]
    pub(super) texts: Vec<Vec<u8>>,
    #[prost(int64, repeated, tag = "3")]
    pub(super) integers: Vec<i64>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Shape {
    #[prost(message, repeated, tag = "2")]
    pub(super) dimensions: Vec<Dimension>,
    #[prost(bool, tag = "3")]
    pub(super) unknown_rank: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Dimension {
    /// -1 where only a run knows it.
    #[prost(int64, tag = "1")]
    pub(super) size: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TensorProto {
    #[prost(int32, tag = "1")]
    pub(super) data_type: i32,
    #[prost(message, optional, tag = "2")]
    pub(super) shape: Option<Shape>,
    #[prost(bytes = "vec", tag = "4")]
    pub(super) content: Vec<u8>,
    #[prost(float, repeated, tag = "5")]
    pub(super) floats: Vec<f32>,
    #[prost(double, repeated, tag = "6")]
    pub(super) doubles: Vec<f64>,
    #[prost(int32, repeated, tag = "7")]
    pub(super) integers: Vec<i32>,
    #[prost(int64, repeated, tag = "10")]
    pub(super) long_integers: Vec<i64>,
    #[prost(bool, repeated, tag = "11")]
    pub(super) truths: Vec<bool>,
    #[prost(int32, repeated, tag = "13")]
    pub(super) halves: Vec<i32>,
}
