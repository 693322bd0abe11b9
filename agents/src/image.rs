//! The image agent: descriptions of pictures, the objects, faces and text in them, and search by
//! similarity.
//!
//! ```no_run
//! # async fn example(runtime: aimass_runtime::Runtime) -> Result<(), aimass_runtime::TaskError> {
//! use aimass_agents::image::{Describe, DescribeInput};
//!
//! let picture = runtime.ask::<Describe>(DescribeInput::path("photo.jpg")).await?;
//! println!("{}", picture.text);
//! for object in &picture.objects {
//!     println!("{} {:.2} {:?}", object.label, object.score, object.bounds);
//! }
//! # Ok(())
//! # }
//! ```

mod agent;
mod classifier;
mod classify;
mod colors;
mod compare_faces;
mod describe;
mod detect;
mod detector;
mod embed;
mod face_boxes;
mod face_features;
mod face_finder;
mod face_reader;
mod faces;
mod input;
mod read;
mod reader;
mod search;
mod search_folder;
mod view;

pub use agent::{ImageAgent, MANIFEST};
pub use classifier::{ClassifierSource, ImageClassifier};
pub use classify::{Classify, ClassifyInput, ImageClass, ImageClasses};
pub use colors::NamedColor;
pub use compare_faces::{CompareFaces, CompareFacesInput, ComparedFaces, FacePair};
pub use describe::{
    Column, Describe, DescribeInput, DescribeLanguage, ImageDescription, Place, Row,
};
pub use detect::{Detect, DetectInput, DetectedObject, DetectedObjects};
pub use detector::{DetectorSource, ObjectDetector};
pub use embed::{Embed, ImageEmbedding};
pub use face_boxes::{FaceBox, FaceBoxes, FindFaces};
pub use face_features::{FaceFeatures, FaceFeaturesInput, SeenFace, SeenFaces};
pub use face_finder::{FaceFinder, FaceFinderSource};
pub use face_reader::{FaceReader, FaceReaderSource};
pub use faces::{DetectedFace, DetectedFaces, Expression, FaceDetail, Faces, FacesInput};
pub use input::{Bounds, ImageInput, ImageSize};
pub use read::{ImageText, Read, TextLine};
pub use reader::ReaderSource;
pub use search::{PictureHit, PictureHits, Search, SearchInput};
pub use search_folder::{FolderSearchInput, SearchFolder};
