//! Names of the random streams that scores draw from. They are frozen: under another name other numbers are drawn. All
//! but that of stage `leakage-effect` are followed by a space and `Subset::stream_name`.

/// The images that silhouettes are computed of, by fold and epoch.
pub const SCORE_EPOCHS: &str = "score epochs";
/// The same of a model.
pub const SCORE_MODELS: &str = "score models";
/// The replicates of the scores.
pub const SCORE_BOOTSTRAP: &str = "score bootstrap";
/// The replicates of the cross-validated scores.
pub const CROSS_VALIDATION_BOOTSTRAP: &str = "cross-validation bootstrap";
/// The replicates of the calibration errors.
pub const CALIBRATE_BOOTSTRAP: &str = "calibrate bootstrap";
/// The calibration error by chance, by replicate.
pub const CALIBRATE_CHANCE: &str = "calibrate chance";
/// The images that stage `metric-learning-scores` scores, if not all. After the subset, the name has `learned` or
/// `held-out`.
pub const METRIC_LEARNING_SCORES: &str = "judge";
/// The replicates of the scores of leaking splits.
pub const LEAKAGE_EFFECT_BOOTSTRAP: &str = "flatter bootstrap";

#[cfg(test)]
mod tests {
    use rand::Rng as _;
    use random::Seed;
    use tables::Subset;

    use super::*;

    fn of_subsets(name: &str) -> [String; 3] {
        Subset::OF_SPLIT.map(|subset| format!("{name} {}", subset.stream_name()))
    }

    #[test]
    fn first_draws_never_change() {
        // Other values would change every result that anyone has.
        let at = |name: String| Seed::new(1).stream(&name).at(2, 3).random::<u64>();
        let rng = |name: String| Seed::new(1).stream(&name).rng().random::<u64>();
        assert_eq!(
            of_subsets(SCORE_EPOCHS).map(at),
            [
                10_023_217_897_176_764_501,
                6_240_065_087_377_122_550,
                18_410_442_579_647_908_984
            ]
        );
        assert_eq!(
            of_subsets(SCORE_BOOTSTRAP).map(at),
            [
                17_107_237_502_580_700_425,
                14_813_831_580_547_003_243,
                2_091_642_492_166_769_111
            ]
        );
        assert_eq!(
            of_subsets(CROSS_VALIDATION_BOOTSTRAP).map(at),
            [
                16_212_486_280_698_195_601,
                3_660_877_369_705_265_745,
                12_601_953_971_379_193_406
            ]
        );
        assert_eq!(
            of_subsets(CALIBRATE_BOOTSTRAP).map(at),
            [
                14_177_000_321_224_723_013,
                15_595_138_523_953_472_566,
                11_700_823_037_728_832_380
            ]
        );
        assert_eq!(
            of_subsets(CALIBRATE_CHANCE).map(at),
            [
                3_635_597_700_139_366_345,
                2_866_809_708_347_125_303,
                13_713_182_293_023_961_046
            ]
        );
        assert_eq!(
            of_subsets(SCORE_MODELS).map(rng),
            [
                9_353_595_380_587_321_166,
                16_185_772_090_483_095_538,
                11_976_952_459_988_746_850
            ]
        );
        assert_eq!(
            at(LEAKAGE_EFFECT_BOOTSTRAP.to_owned()),
            5_614_777_308_872_992_497
        );
        let learned =
            |subset: Subset| format!("{METRIC_LEARNING_SCORES} {} learned", subset.stream_name());
        let drawn = [
            Subset::Train,
            Subset::Validation,
            Subset::Test,
            Subset::Unseen,
        ]
        .map(learned)
        .map(rng);
        assert_eq!(
            drawn,
            [
                18_044_672_845_510_640_007,
                15_822_091_351_901_487_004,
                11_487_300_141_812_652_308,
                10_292_282_349_056_454_850
            ]
        );
        let held_out =
            |subset: Subset| format!("{METRIC_LEARNING_SCORES} {} held-out", subset.stream_name());
        let drawn = [
            Subset::Train,
            Subset::Validation,
            Subset::Test,
            Subset::Unseen,
        ]
        .map(held_out)
        .map(rng);
        assert_eq!(
            drawn,
            [
                6_015_716_690_240_923_759,
                201_066_011_184_288_860,
                15_435_709_320_754_967_412,
                11_482_849_942_644_543_865
            ]
        );
    }
}
