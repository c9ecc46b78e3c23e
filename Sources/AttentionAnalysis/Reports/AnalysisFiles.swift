package import AttentionTrace
package import PromptText
internal import TensorEngine

/// The files that `heed analyze` writes beside its tables.
package enum AnalysisFiles {
  /// Writes each word's map, `[row, column]` in float32, into a folder for each run.
  package static func write(
    _ maps: [AttentionMap], of words: [Subject], in run: RecordedRun, to folder: String
  ) throws {
    let manifest = run.manifest
    let place = RunFolder(
      root: folder, prompt: manifest.tokens.prompt, method: manifest.method.name,
      seed: manifest.seed
    ).path
    try OutputFolder.make(place)
    for (word, map) in zip(words, maps) {
      try NumpyFile.write(
        Tensor(map.values, shape: [map.grid.rows, map.grid.columns]),
        to: "\(place)/\(RunFolder.slug(word.name)).npy")
    }
  }

  /// Writes the head weights of each class over all runs.
  package static func writeWeights(of heads: HeadReport, to folder: String) throws {
    try OutputFolder.make(folder)
    for name in heads.names {
      let path = "\(folder)/\(RunFolder.slug(name)).weights.json"
      let weights = heads.weights(for: name)
      try AtomicFile.write(to: path) { try $0.append(Array(weights.json.utf8)) }
    }
  }
}
