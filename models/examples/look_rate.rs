//! Shows pictures to the networks of one folder, and says how long that took: the side of ours in `benches/peers/pictures.py`.
//!
//! Each line is `{"network": "efficientnet-lite0", "folder": "..", "path": "photo.png", "pictures": 8}`: of EfficientNet as many views at once, of `mtcnn`
//! the faces of the picture, of `face-api` as many vectors of the whole picture. Each answer is `{"seconds": 0.1, "found": [..]}`: the first picture's
//! logits, the boxes, or the first vector. `aimass models path NAME` prints a folder.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use aimass_models::picture::{Picture, Pixels, Region};
use aimass_models::{
    EfficientNet, EfficientNetWeights, FaceApi, FaceApiWeights, FaceSearch, Mtcnn, MtcnnWeights,
    device,
};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Round {
    network: String,
    folder: PathBuf,
    path: PathBuf,
    pictures: usize,
}

#[derive(Serialize)]
struct Looked {
    seconds: f64,
    found: Vec<f32>,
}

enum Network {
    Classes(EfficientNet),
    Faces(Mtcnn),
    Vectors(FaceApi),
}

impl Network {
    fn load(round: &Round) -> Result<Self, Box<dyn Error>> {
        let (folder, cpu) = (&round.folder, device::open("cpu")?);
        Ok(match &*round.network {
            "efficientnet-lite0" => Self::Classes(EfficientNet::new(Arc::new(
                EfficientNetWeights::load(folder, &cpu)?,
            ))),
            "mtcnn" => Self::Faces(Mtcnn::new(Arc::new(MtcnnWeights::load(folder, &cpu)?))),
            _ => Self::Vectors(FaceApi::new(Arc::new(FaceApiWeights::load(folder, &cpu)?))),
        })
    }

    fn look(&self, picture: &Pixels, count: usize) -> Result<Vec<f32>, Box<dyn Error>> {
        Ok(match self {
            Self::Classes(network) => {
                let views = vec![EfficientNet::view(picture)?; count];
                let mut found = network.look(&views)?.into_iter();
                found.next().map(|found| found.logits).unwrap_or_default()
            }
            Self::Faces(network) => {
                let found = network.detect(picture, FaceSearch::default())?;
                found.iter().flat_map(|face| face.bounds).collect()
            }
            Self::Vectors(network) => {
                let whole = Region {
                    left: 0,
                    top: 0,
                    width: picture.width(),
                    height: picture.height(),
                };
                let mut found = network.embed(picture, &vec![whole; count])?.into_iter();
                found.next().unwrap_or_default()
            }
        })
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a measurement of wall time, outside any runtime"
)]
fn main() -> Result<(), Box<dyn Error>> {
    let mut networks: BTreeMap<String, Network> = BTreeMap::new();
    let mut output = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let round: Round = serde_json::from_str(&line?)?;
        let picture = Picture::open(&round.path)?.pixels;
        if !networks.contains_key(&round.network) {
            networks.insert(round.network.clone(), Network::load(&round)?);
        }
        let network = &networks[&round.network];
        let began = Instant::now();
        let found = network.look(&picture, round.pictures)?;
        let looked = Looked {
            seconds: began.elapsed().as_secs_f64(),
            found,
        };
        serde_json::to_writer(&mut output, &looked)?;
        output.write_all(b"\n")?;
        output.flush()?;
    }
    Ok(())
}
