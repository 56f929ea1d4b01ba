//! The templates for the systems people use. What does not live here: running them.
//!
//! Each system has its own idea of markup and of calling everybody; each template makes sure that a name can use
//! neither. `slack`, `markdown` and the rest are described in `encode`.

/// A chat system whose form is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// Slack: incoming webhooks.
    Slack,
    /// Discord: channel webhooks.
    Discord,
    /// Mattermost: incoming webhooks.
    Mattermost,
    /// Microsoft Teams: a workflow that is started by a webhook.
    Teams,
    /// Matrix: `PUT …/rooms/ROOM/send/m.room.message/{id}`.
    Matrix,
}

impl Preset {
    /// Every preset.
    pub const ALL: [Self; 5] = [Self::Slack, Self::Discord, Self::Mattermost, Self::Teams, Self::Matrix];

    /// The word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::Discord => "discord",
            Self::Mattermost => "mattermost",
            Self::Teams => "teams",
            Self::Matrix => "matrix",
        }
    }

    /// Its template.
    pub fn template(self) -> &'static str {
        match self {
            // Three letters are markup: what is left of `<!channel>` then is text.
            Self::Slack => {
                r#"{"text": {{ (sign ~ " *" ~ title|slack ~ "*\n" ~ text|slack ~ more)|string }}}"#
            }
            // Nobody is called, whatever the text says; 2000 characters are the most.
            Self::Discord => {
                r#"{"content": {{ (sign ~ " **" ~ title|markdown ~ "**\n" ~ markdown ~ more)|cut(1900) }}, "allowed_mentions": {"parse": []}}"#
            }
            Self::Mattermost => {
                r#"{"text": {{ (sign ~ " **" ~ title|markdown ~ "**\n" ~ markdown ~ more)|string }}}"#
            }
            Self::Teams => concat!(
                r#"{"type": "message", "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "#,
                r#""content": {"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "#,
                r#""version": "1.4", "body": ["#,
                r#"{"type": "TextBlock", "weight": "Bolder", "wrap": true, "text": {{ (sign ~ " " ~ title|markdown)|string }}}, "#,
                r#"{"type": "TextBlock", "wrap": true, "text": {{ (markdown ~ more)|string }}}]}}]}"#
            ),
            // No formatted body, so nothing is markup; and nobody is mentioned.
            Self::Matrix => {
                r#"{"msgtype": "m.text", "body": {{ (sign ~ " " ~ title ~ "\n" ~ text ~ more)|string }}, "m.mentions": {}}"#
            }
        }
    }
}
