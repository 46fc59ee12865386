//! Checks of the methods of fine-tuning.

use crate::settings::Train;
use crate::{Finding, Settings};

/// Checks the methods of fine-tuning, for a study `with_weights` that are pretrained or without.
pub fn check_fine_tuning(settings: &Settings, with_weights: bool, findings: &mut Vec<Finding>) {
    check_phases(&settings.train, findings);
    check_frozen(settings, findings);
    if !with_weights {
        check_pretrained(settings, findings);
    }
}

/// Epochs of the head and of the warm-up, which leave others.
fn check_phases(train: &Train, findings: &mut Vec<Finding>) {
    let (epochs, head_epochs) = (train.epochs, train.head_epochs);
    if head_epochs >= epochs {
        findings.push(Finding::new(
            format!(
                "`train.head_epochs` is {head_epochs}, expected less than `train.epochs`, {epochs}"
            ),
            format!("set `train.head_epochs = {}`", epochs / 4),
        ));
        return;
    }
    let warmup_epochs = train.warmup_epochs;
    let rest = epochs - head_epochs;
    if warmup_epochs >= rest as f64 {
        findings.push(Finding::new(
            format!(
                "`train.warmup_epochs` is {warmup_epochs}, expected less than the {rest} epochs that all parts are trained \
                 for"
            ),
            format!("set `train.warmup_epochs = {}`", rest / 4),
        ));
    }
}

/// Frozen parts that leave a setting without effect.
fn check_frozen(settings: &Settings, findings: &mut Vec<Finding>) {
    if settings.freeze_fc && !settings.classifier {
        findings.push(Finding::new(
            "`model.freeze_fc` is true and `model.classifier` is false: there is no classifier to freeze",
            "set `model.freeze_fc = false`, or `model.classifier = true`",
        ));
    }
    // Epochs of the head are no phase of their own where all of the ResNet is frozen.
    let head_epochs = settings.train.head_epochs;
    let freezes_classifier = settings.freeze_fc || !settings.classifier;
    if head_epochs > 0 && settings.freeze_cnn && freezes_classifier {
        findings.push(Finding::new(
            format!(
                "`train.head_epochs` is {head_epochs} and all of the ResNet is frozen: the other epochs train no more than these"
            ),
            "set `train.head_epochs = 0`, or `model.freeze_cnn = false`",
        ));
    }
}

/// Settings that make sense with pretrained weights alone, for a study without.
fn check_pretrained(settings: &Settings, findings: &mut Vec<Finding>) {
    if settings.freeze_batch_norm {
        findings.push(Finding::new(
            "`model.freeze_batch_norm` is true and `model.weights` is empty: statistics of random numbers would normalize",
            "set `model.freeze_batch_norm = false`, or `model.weights` to a file of pretrained weights",
        ));
    }
    let head_epochs = settings.train.head_epochs;
    if head_epochs > 0 {
        findings.push(Finding::new(
            format!(
                "`train.head_epochs` is {head_epochs} and `model.weights` is empty: the head would learn from features of \
                 random numbers"
            ),
            "set `train.head_epochs = 0`, or `model.weights` to a file of pretrained weights",
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings;

    fn check(change: impl Fn(&mut Settings), with_weights: bool) -> Vec<String> {
        let mut settings = settings();
        change(&mut settings);
        let mut findings = Vec::new();
        check_fine_tuning(&settings, with_weights, &mut findings);
        findings.iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_classifier_that_is_left_out_is_not_frozen() {
        let with = |classifier: bool| {
            let change = |settings: &mut Settings| {
                (settings.freeze_fc, settings.classifier) = (true, classifier);
            };
            check(change, true)
        };
        assert_eq!(with(true), [""; 0]);
        assert_eq!(
            with(false),
            [
                "`model.freeze_fc` is true and `model.classifier` is false: there is no classifier to freeze: set \
                 `model.freeze_fc = false`, or `model.classifier = true`"
            ]
        );
    }

    #[test]
    fn epochs_of_head_and_warmup_leave_others() {
        let phases = |head_epochs: usize, warmup_epochs: f64| {
            let change = |settings: &mut Settings| {
                settings.train.head_epochs = head_epochs;
                settings.train.warmup_epochs = warmup_epochs;
            };
            check(change, true)
        };
        assert_eq!(phases(3, 5.5), [""; 0]);
        assert_eq!(
            phases(9, 0.0),
            [
                "`train.head_epochs` is 9, expected less than `train.epochs`, 9: set `train.head_epochs = 2`"
            ]
        );
        assert_eq!(
            phases(3, 6.0),
            [
                "`train.warmup_epochs` is 6, expected less than the 6 epochs that all parts are trained for: set \
                 `train.warmup_epochs = 1`"
            ]
        );
    }

    #[test]
    fn epochs_of_the_head_need_a_resnet_that_is_trained_later() {
        let with = |freeze_fc: bool, head_epochs: usize| {
            let change = |settings: &mut Settings| {
                (settings.freeze_cnn, settings.freeze_fc) = (true, freeze_fc);
                settings.train.head_epochs = head_epochs;
            };
            check(change, true)
        };
        assert_eq!(with(true, 0), [""; 0]);
        // The classifier learns in the other epochs.
        assert_eq!(with(false, 2), [""; 0]);
        assert_eq!(
            with(true, 2),
            [
                "`train.head_epochs` is 2 and all of the ResNet is frozen: the other epochs train no more than these: set `train.head_epochs = 0`, or `model.freeze_cnn = false`"
            ]
        );
    }

    #[test]
    fn methods_for_pretrained_weights_need_some() {
        let change = |settings: &mut Settings| {
            settings.freeze_batch_norm = true;
            settings.train.head_epochs = 1;
        };
        assert_eq!(check(change, true), [""; 0]);
        let found = check(change, false);
        assert_eq!(found.len(), 2);
        assert!(
            found[0].starts_with("`model.freeze_batch_norm` is true and"),
            "{found:?}"
        );
        assert!(
            found[1].starts_with("`train.head_epochs` is 1 and"),
            "{found:?}"
        );
    }
}
