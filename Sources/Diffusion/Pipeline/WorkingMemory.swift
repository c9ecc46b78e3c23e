internal import AttentionTrace
internal import PromptText

extension StableDiffusion {
  /// What a run needs at least besides the weights, in bytes.
  ///
  /// Only the tensors are counted that must exist at one time: the autoencoder's last level, the
  /// UNet's first level with what the way up still takes, and for a gradient what each block keeps.
  /// What a process takes is two to three times that.
  func workingMemory(_ run: PlannedRun) -> Int {
    let latent = run.latentGrid
    let tiny = run.request.previews?.decoder.map { 3 * Double($0.configuration.width) } ?? 0
    var floats = max(
      decoderFloats(latent), tiny * Double(run.size.width) * Double(run.size.height),
      passFloats(latent, branches: run.isGuided ? 2 : 1))
    if run.passes.contains(where: { $0.phase != .denoise }) {
      // A loss of maps ends the pass before the way up is over; a loss of what is predicted keeps all of it.
      floats = max(floats, (run.parts.merging == nil ? 1 : 2) * tapeFloats(latent))
    }
    // Counted in floating point: a configuration's extents multiply beyond what integers hold.
    return Int(min(4 * floats, 1e18))
  }

  /// Input, normalised input and output of the last level's first block.
  private func decoderFloats(_ latent: Grid) -> Double {
    let configuration = checkpoint.vaeConfiguration
    let widths = configuration.widths
    let pixels = cells(latent) * Double(configuration.factor) * Double(configuration.factor)
    return 3 * Double(widths[min(1, widths.count - 1)]) * pixels
  }

  /// Every branch of guidance: the skips, and the first level's transformer with its scores.
  private func passFloats(_ latent: Grid, branches: Int) -> Double {
    let levels = checkpoint.unetConfiguration.levels
    let skips = zip(levels, unet.grids(latent)).reduce(0.0) { sum, level in
      sum + Double(level.0.resnets + 1) * Double(level.0.channels) * cells(level.1)
    }
    let scores = 2 * Double(levels[0].heads) * Double(tokenizer.window)
    return Double(branches) * (skips + (6 * Double(levels[0].channels) + scores) * cells(latent))
  }

  /// One branch: what resnets and transformers keep on the way down.
  private func tapeFloats(_ latent: Grid) -> Double {
    let levels = checkpoint.unetConfiguration.levels
    return zip(levels, unet.grids(latent)).reduce(0.0) { sum, level in
      let block =
        12 * Double(level.0.channels) + Double(level.0.heads) * Double(tokenizer.window)
      return sum + Double(level.0.resnets) * Double(level.0.depth) * block * cells(level.1)
    }
  }

  private func cells(_ grid: Grid) -> Double { Double(grid.rows) * Double(grid.columns) }
}
