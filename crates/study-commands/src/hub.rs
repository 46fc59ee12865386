//! Files of the Hugging Face hub by `hf:OWNER/NAME[/FILE][@REVISION]`.

use std::env;

use anyhow::{Context, bail};

/// Begins a name of the hub.
pub(crate) const PREFIX: &str = "hf:";

/// Variable that names another address of the hub, as for `huggingface_hub`.
const ENDPOINT: &str = "HF_ENDPOINT";

/// The file of a repository without a name for one.
const FILE: &str = "model.safetensors";

/// The newest revision.
const REVISION: &str = "main";

/// A file of a repository.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Hub {
    owner: String,
    pub(crate) name: String,
    file: String,
    revision: String,
}

impl Hub {
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let expected = || {
            format!("`{text}` is no file of the hub: expected `hf:OWNER/NAME[/FILE][@REVISION]`")
        };
        let rest = text.strip_prefix(PREFIX).with_context(expected)?;
        let (path, revision) = rest.split_once('@').unwrap_or((rest, REVISION));
        let mut parts = path.splitn(3, '/');
        let (owner, name) = (
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default(),
        );
        let file = parts.next().unwrap_or(FILE);
        let is_file = file.split('/').all(is_plain);
        if !is_plain(owner) || !is_plain(name) || !is_file || !revision.split('/').all(is_plain) {
            bail!(expected());
        }
        Ok(Self {
            owner: owner.to_owned(),
            name: name.to_owned(),
            file: file.to_owned(),
            revision: revision.to_owned(),
        })
    }

    pub(crate) fn url(&self) -> String {
        let endpoint = env::var(ENDPOINT).unwrap_or_default();
        let endpoint = match endpoint.trim_end_matches('/') {
            "" => "https://huggingface.co",
            endpoint => endpoint,
        };
        let Self {
            owner,
            name,
            file,
            revision,
        } = self;
        // A branch's name may have slashes.
        let revision = revision.replace('/', "%2F");
        format!("{endpoint}/{owner}/{name}/resolve/{revision}/{file}")
    }

    /// The end of the file's name.
    pub(crate) fn file_end(&self) -> &str {
        self.file
            .rsplit_once('.')
            .map_or("safetensors", |(_, end)| end)
    }

    /// Name that distinguishes the file: the repository's, unless the file has its own.
    pub(crate) fn stem(&self) -> &str {
        let file = self.file.rsplit('/').next().unwrap_or(&self.file);
        match file.rsplit_once('.').map_or(file, |(stem, _)| stem) {
            "model" | "pytorch_model" => &self.name,
            stem => stem,
        }
    }
}

/// Returns whether a name can be a part of a file's path.
pub(crate) fn is_plain(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    !name.is_empty() && !name.starts_with('.') && name.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_and_revision_may_be_named() {
        let hub = Hub::parse("hf:timm/resnet18.a1_in1k").unwrap();
        assert!(
            hub.url()
                .ends_with("/timm/resnet18.a1_in1k/resolve/main/model.safetensors")
        );
        assert_eq!(
            (hub.stem(), hub.file_end()),
            ("resnet18.a1_in1k", "safetensors")
        );
        let hub = Hub::parse("hf:microsoft/resnet-50/pytorch_model.bin@refs/pr/3").unwrap();
        assert!(
            hub.url()
                .ends_with("/microsoft/resnet-50/resolve/refs%2Fpr%2F3/pytorch_model.bin")
        );
        assert_eq!((hub.stem(), hub.file_end()), ("resnet-50", "bin"));
        assert_eq!(Hub::parse("hf:a/b/deep/net.pth").unwrap().stem(), "net");
    }

    #[test]
    fn other_forms_are_refused() {
        for text in [
            "hf:",
            "hf:resnet18",
            "hf:timm/",
            "hf:../x/y",
            "hf:a/b/../../c",
            "hf:a/b@",
            "hf:a/b c",
        ] {
            let error = Hub::parse(text).unwrap_err().to_string();
            assert!(
                error.contains("expected `hf:OWNER/NAME[/FILE][@REVISION]`"),
                "{text}: {error}"
            );
        }
    }
}
