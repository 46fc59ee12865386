//! Losses against pytorch-metric-learning; the values are from `golden/golden.py`.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

#[path = "../../trainer/tests/close/mod.rs"]
mod close;

use candle_core::{Device, Tensor, Var};
use close::assert_close;
use metric_learning::{ArcFace, Triplet};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    arcfaces: Vec<ArcFaceValues>,
    triplets: Vec<TripletValues>,
}

#[derive(Deserialize)]
struct ArcFaceValues {
    margin: f64,
    scale: f64,
    weighted: bool,
    loss: f32,
    embedding: Vec<Vec<f32>>,
    centers: Vec<Vec<f32>>,
}

#[derive(Deserialize)]
struct TripletValues {
    margin: f64,
    loss: f32,
    embedding: Vec<Vec<f32>>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/golden.json")).unwrap()
}

const LABELS: [u32; 8] = [0, 1, 2, 0, 1, 2, 2, 0];

fn embeddings() -> Var {
    let value = |i: u16, j: u16| f32::from((5 * i + 3 * j + i * j) % 13) * 0.3 - 1.7;
    let mut rows: Vec<f32> = (0..7)
        .flat_map(|i| (0..3).map(move |j| value(i, j)))
        .collect();
    rows.extend([-0.9, 0.11, -0.31]);
    Var::from_vec(rows, (8, 3), &Device::Cpu).unwrap()
}

fn unit(rows: &Tensor) -> Tensor {
    let lengths = rows.sqr().unwrap().sum_keepdim(1).unwrap().sqrt().unwrap();
    rows.broadcast_div(&lengths).unwrap()
}

fn gradient(loss: &Tensor, of: &Var) -> Vec<f32> {
    let gradients = loss.backward().unwrap();
    let gradient = gradients.get(of).unwrap().flatten_all().unwrap();
    gradient.to_vec1().unwrap()
}

#[test]
fn arcface_is_pytorch_metric_learnings() {
    for golden in golden().arcfaces {
        let embedding = embeddings();
        let centers = [[0.8_f32, -0.1, 0.3], [-0.5, 1.5, 0.2], [0.1, -0.4, -2.0]];
        let centers = Var::new(&centers, &Device::Cpu).unwrap();
        let cosines = unit(&embedding)
            .matmul(&unit(&centers).t().unwrap())
            .unwrap();
        let weights = if golden.weighted {
            vec![0.5, 2.0, 1.25]
        } else {
            vec![1.0; 3]
        };
        let arcface = ArcFace::new(weights, golden.scale, golden.margin);
        let loss = arcface.forward(&cosines, &LABELS).unwrap();
        assert_close(&[loss.to_scalar().unwrap()], &[golden.loss], 1e-4);
        let found = [gradient(&loss, &embedding), gradient(&loss, &centers)].concat();
        let expected = [golden.embedding.concat(), golden.centers.concat()].concat();
        assert_close(&found, &expected, 1e-4);
    }
}

#[test]
fn the_triplet_loss_is_pytorch_metric_learnings() {
    for golden in golden().triplets {
        let embedding = embeddings();
        let loss = Triplet::new(golden.margin)
            .forward(&embedding, &LABELS)
            .unwrap();
        assert_close(&[loss.to_scalar().unwrap()], &[golden.loss], 1e-4);
        assert_close(
            &gradient(&loss, &embedding),
            &golden.embedding.concat(),
            1e-4,
        );
    }
}
