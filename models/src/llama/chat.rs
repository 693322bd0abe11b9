//! Conversations, spelt as the model was trained to read them.

use minijinja::{Environment, Error, ErrorKind, context};
use serde::{Deserialize, Serialize};

use super::Vocabulary;
use crate::ModelError;

/// Instructions that a template may take for one conversation: it comes with the model, and must
/// not keep a worker for ever.
const FUEL: u64 = 5_000_000;
/// The longest template, in bytes.
const MAX_TEMPLATE_BYTES: usize = 1 << 18;

/// ChatML, for files without a template.
const CHATML: &str = "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who said it.
    pub role: Role,
    /// What was said.
    pub content: String,
}

/// Who says something in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Whoever sets the rules, at the beginning.
    System,
    /// Who asks.
    User,
    /// The model.
    Assistant,
}

/// A model's own way to spell a conversation: a Jinja template.
#[derive(Debug, Clone)]
pub struct ChatTemplate {
    source: String,
    begin: String,
    end: String,
}

impl ChatTemplate {
    /// The template with this source, ChatML if there is none.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn new(source: Option<String>, vocabulary: &Vocabulary) -> Result<Self, String> {
        let name = |token: Option<u32>| token.map_or("", |id| vocabulary.name(id)).to_owned();
        let template = Self {
            source: source.unwrap_or_else(|| CHATML.to_owned()),
            begin: name(vocabulary.begin()),
            end: name(vocabulary.end_tokens().first().copied()),
        };
        if template.source.len() > MAX_TEMPLATE_BYTES {
            return Err(format!(
                "a chat template of {} bytes",
                template.source.len()
            ));
        }
        let checked = environment().template_from_str(&template.source).map(drop);
        match checked {
            Ok(()) => Ok(template),
            Err(error) => Err(format!("a chat template that cannot be read: {error}")),
        }
    }

    /// Spells a conversation, and what begins the model's answer. What was said must not name
    /// tokens with a meaning of their own: [`Vocabulary::escape_controls`].
    ///
    /// # Errors
    /// [`ModelError::Input`] if the model's template refuses the conversation.
    pub fn render(&self, messages: &[Message]) -> Result<String, ModelError> {
        let refuse = |error: Error| {
            ModelError::Input {
            operation: "render a conversation",
            expected: "messages that the model's template takes".to_owned(),
            found: error.to_string(),
            advice: "begin with at most one message of `system`, and let `user` and `assistant` take turns".to_owned(),
        }
        };
        let environment = environment();
        let template = environment.template_from_str(&self.source);
        let text = template.and_then(|template| {
            template.render(context! {
                messages => messages,
                add_generation_prompt => true,
                bos_token => &self.begin,
                eos_token => &self.end,
            })
        });
        text.map_err(refuse)
    }
}

/// As the library `transformers` sets it up.
fn environment<'source>() -> Environment<'source> {
    let mut environment = Environment::new();
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.set_fuel(Some(FUEL));
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.add_function(
        "raise_exception",
        |message: String| -> Result<String, Error> {
            Err(Error::new(ErrorKind::InvalidOperation, message))
        },
    );
    environment
}
