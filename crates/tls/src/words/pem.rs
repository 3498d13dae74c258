//! What is wrong with a PEM text.

use pki_types::pem;

/// What is wrong with a PEM text (RFC 7468). Nothing of the text itself is shown, which may be a private key.
pub(crate) fn of_pem(error: &pem::Error) -> String {
    match error {
        pem::Error::MissingSectionEnd { .. } => "a section has no END line".to_owned(),
        pem::Error::IllegalSectionStart { .. } => "a BEGIN line is malformed".to_owned(),
        pem::Error::Base64Decode(_) => "a section is not base64".to_owned(),
        pem::Error::NoItemsFound => "none was found".to_owned(),
        pem::Error::SectionTooLarge => "a section is larger than 256 MB".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_pem_text_has_words() {
        let rows = [
            (
                pem::Error::MissingSectionEnd {
                    end_marker: b"PRIVATE KEY".to_vec(),
                },
                "a section has no END line",
            ),
            (
                pem::Error::IllegalSectionStart {
                    line: b"s3cret".to_vec(),
                },
                "a BEGIN line is malformed",
            ),
            (
                pem::Error::Base64Decode("InvalidCharacter(33)".to_owned()),
                "a section is not base64",
            ),
            (pem::Error::NoItemsFound, "none was found"),
            (pem::Error::SectionTooLarge, "a section is larger than 256 MB"),
        ];
        for (error, words) in rows {
            assert_eq!(of_pem(&error), words);
        }
    }
}
