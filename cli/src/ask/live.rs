//! Skills that hear live sound: it comes on standard input, and what they hear is printed as it becomes certain.

use std::ffi::OsStr;
use std::io::{self, IsTerminal};

use aimass::speech::Samples;
use aimass_locale::text;
use aimass_runtime::{Call, Request, SkillSpec, TaskId, TaskOptions};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use super::Arguments;
use super::sound::{Shape, Sound};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::Output;
use crate::{Context, input};

/// Pieces of sound that wait for the skill before standard input is left alone.
const PIECES: usize = 16;

/// A piece of sound, or why there is no more of it.
type Piece = Result<Vec<f32>, Failure>;

/// Whether the chunks that a skill takes are sound.
pub(super) fn hears_sound(spec: &SkillSpec) -> bool {
    let format = spec.chunk.as_ref().and_then(|chunk| chunk.get("format"));
    format.and_then(Value::as_str) == Some("audio")
}

/// Asks a skill that hears live sound.
pub(super) async fn ask(
    context: &Context,
    client: &Client,
    spec: &SkillSpec,
    arguments: &Arguments,
    options: TaskOptions,
) -> Result<(), Failure> {
    let skill = &spec.name;
    if arguments.input.as_deref() != Some(OsStr::new("-")) || io::stdin().is_terminal() {
        return Err(Failure::usage(text!(
            "`{skill}` hears live sound on standard input; pipe it in, as in `arecord -f S16_LE -r 16000 -t raw | aimass ask {skill} -`",
            "`{skill}` 从标准输入收听实时声音；请用管道送入，例如 `arecord -f S16_LE -r 16000 -t raw | aimass ask {skill} -`"
        )));
    }
    let mut fields = Map::new();
    input::set_fields(spec, &arguments.set, &mut fields)?;
    let sound = tokio::task::spawn_blocking(|| Sound::open(io::stdin())).await;
    let sound = sound.map_err(|error| Failure::bug(error.to_string()))??;
    if let Some(shape) = sound.shape() {
        take_shape(shape, &mut fields)?;
    }
    let mut call = client.call(Request::Open {
        skill: skill.clone(),
        input: Value::Object(fields),
        options: Box::new(options),
    });
    let Some(stream) = call.next().await else {
        // It was refused, and the reply says why.
        call.reply().await?;
        return Err(Failure::bug("the stream ended before it began"));
    };
    let stream = serde_json::from_value(stream)?;
    let (poured, pieces) = mpsc::channel(PIECES);
    // It ends with its receiver, or with the process.
    drop(tokio::task::spawn_blocking(move || pour(sound, &poured)));
    let listening = hear(context.output, call);
    tokio::pin!(listening);
    let answer = tokio::select! {
        answer = &mut listening => answer?,
        said = say(client, stream, pieces) => {
            said?;
            listening.await?
        }
    };
    match context.output.is_json() {
        true => context.output.document(&answer),
        false => Ok(()),
    }
}

/// A header says what the sound is like, and so nobody else may.
fn take_shape(shape: Shape, fields: &mut Map<String, Value>) -> Result<(), Failure> {
    for (name, value) in [
        ("sample_rate", shape.sample_rate),
        ("channels", shape.channels),
    ] {
        if fields.insert(name.to_owned(), json!(value)).is_some() {
            return Err(Failure::usage(text!(
                "the wav header on standard input says {value} for `{name}`; leave out `--set {name}`",
                "标准输入的 wav 头给出 `{name}` 为 {value}；请去掉 `--set {name}`"
            )));
        }
    }
    Ok(())
}

/// Reads standard input to its end. It blocks.
fn pour(mut sound: Sound<io::Stdin>, pieces: &mpsc::Sender<Piece>) {
    while let Some(piece) = sound.next().transpose() {
        let is_last = piece.is_err();
        if pieces.blocking_send(piece).is_err() || is_last {
            return;
        }
    }
}

/// Sends the sound until it ends, or until nobody takes it any more: why is then the call's to say.
async fn say(
    client: &Client,
    stream: TaskId,
    mut pieces: mpsc::Receiver<Piece>,
) -> Result<(), Failure> {
    while let Some(piece) = pieces.recv().await {
        let samples = Samples::new(piece?).map_err(|fault| Failure::bug(fault.message))?;
        let chunk = serde_json::to_value(samples)?;
        if client
            .reply(Request::Chunk { stream, chunk })
            .await
            .is_err()
        {
            break;
        }
    }
    // A stream that has ended needs no end.
    let _ = client.reply(Request::End { stream }).await;
    Ok(())
}

/// Prints what becomes certain, and gives the output.
async fn hear(output: Output, mut call: Call) -> Result<Value, Failure> {
    let mut is_silent = true;
    while let Some(item) = call.next().await {
        let stable = item.get("stable").and_then(Value::as_str);
        let stable = stable.filter(|text| !text.is_empty() && !output.is_json());
        if let Some(text) = stable {
            is_silent = false;
            output.piece(text)?;
        }
    }
    if !is_silent {
        output.line("")?;
    }
    Ok(call.reply().await?)
}
