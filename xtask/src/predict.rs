//! New pictures: the job file of the program that judges them.

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use pipeline::Workspace;
use pipeline::device::Device;
use pipeline::workspace::Access;
use serde_json::{Value, json};

use crate::{cli, open};

/// The program.
const RUN: &str = "inspect/inspect";

/// Judges pictures; the exit code is the program's own.
pub(crate) fn predict(arguments: &cli::Predict) -> anyhow::Result<ExitCode> {
    let mut workspace = open(&arguments.params, Access::Write)?;
    let job = job(&workspace, arguments)?;
    let status = workspace.run_tool(RUN, &job, arguments.confine.sandbox())?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

fn job(workspace: &Workspace, arguments: &cli::Predict) -> anyhow::Result<Value> {
    let here = env::current_dir().context("cannot tell the current folder")?;
    if !arguments.pictures.iter().any(|file| file.exists()) {
        bail!("`{}` is not there", arguments.pictures[0].display());
    }
    let absolute = |path: &PathBuf| here.join(path).display().to_string();
    let files: Vec<String> = arguments.pictures.iter().map(absolute).collect();
    let folder = workspace.params.get("images.folder");
    let folder = folder.and_then(Value::as_str).unwrap_or_default();
    let calibrators = workspace.made("calibrate", "calibrators")?;
    Ok(json!({
        "stage": "predict",
        "params": {
            "files": files,
            "device": device(workspace)?,
            "explain": arguments.explain,
            "cells": workspace.params.get("explain.cells"),
            "square": workspace.params.get("explain.square"),
            "json": arguments.json,
        },
        "in": {
            "model": made(workspace, "export", "model")?,
            "config": made(workspace, "export", "config")?,
            "images": workspace.root.join(folder).display().to_string(),
            "predictions": made(workspace, "predict", "predictions")?,
            "clusters": made(workspace, "cluster", "clusters")?,
            "calibrators": calibrators.as_ref().map(absolute),
        },
        "out": { "page": arguments.html.as_ref().map(absolute) },
        "scratch": "",
    }))
}

/// What a repro made.
fn made(workspace: &Workspace, stage: &str, output: &str) -> anyhow::Result<String> {
    let made = workspace.made(stage, output)?;
    let made = made.context("no model yet: run `cargo xtask repro`")?;
    Ok(made.display().to_string())
}

fn device(workspace: &Workspace) -> anyhow::Result<&'static str> {
    let setting = workspace.params.get("device").and_then(Value::as_str);
    let device = Device::resolve(setting.unwrap_or("auto")).map_err(anyhow::Error::msg)?;
    Ok(device.name())
}
