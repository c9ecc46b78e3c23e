import Diffusion
import Foundation
import PromptText
import TensorEngine
import TestSupport
import Testing

@Suite("Words for Stable Diffusion XL")
struct XLEmbeddingTests {
  /// What opening a checkpoint with an embedding of these tensors says, and the file's path.
  private func said(
    _ model: String, _ shapes: [(String, [Int])], value: Float = 1
  ) throws -> (message: String, path: String) {
    let folder = try TemporaryFolder()
    let path = folder.path + "/word.safetensors"
    try SafetensorsWriter.write(
      shapes.map { (name: $0.0, payload: .float32(.full(value, shape: $0.1))) }, to: path)
    var options = CheckpointOptions()
    options.embeddings = [TextualInversion(path: path)]
    let said = message {
      let checkpoint = try Checkpoint(TemporaryCheckpoint.fixtures + "/" + model, options)
      _ = try checkpoint.makeTextEncoders()
    }
    return (said, path)
  }

  // tiny-xl's text encoders are 24 and 40 wide, tiny-sd1's is 32.
  private static let refusals: [(String, [(String, [Int])], String)] = [
    (
      "tiny-xl", [("clip_l", [3, 24]), ("clip_g", [2, 40])],
      "clip_g: expected 3 vectors, as many as in clip_l, got 2"
    ),
    (
      "tiny-xl", [("clip_l", [2, 32]), ("clip_g", [2, 40])],
      "clip_l, an embedding of width 32; the checkpoint's text encoder has width 24, so it is for another model"
    ),
    (
      "tiny-xl", [("clip_l", [2, 24]), ("clip_g", [2, 24])],
      "clip_g, an embedding of width 24; the checkpoint's second text encoder has width 40, "
        + "so it is for another model"
    ),
    (
      "tiny-xl", [("clip_l", [2, 24]), ("clip_g", [1, 2, 40])],
      "clip_g: expected [vector, width], got the shape [1, 2, 40]"
    ),
    (
      "tiny-xl", [("clip_l", [2, 24])],
      "an embedding for one text encoder, by its clip_l of width 24; Stable Diffusion XL has two: "
        + "give a file with clip_l and clip_g"
    ),
    (
      "tiny-xl", [("clip_g", [2, 40])],
      "half of an embedding for Stable Diffusion XL, with clip_g alone; give a file with clip_l and clip_g"
    ),
    (
      "tiny-sd1", [("clip_g", [2, 40])],
      "half of an embedding for Stable Diffusion XL, with clip_g alone; give a file with clip_l and clip_g"
    ),
    (
      "tiny-xl", [("emb_params", [2, 24])],
      "an embedding for one text encoder, by its emb_params of width 24; Stable Diffusion XL has two: "
        + "give a file with clip_l and clip_g"
    ),
    (
      "tiny-xl", [("<toy>", [24])],
      "an embedding for one text encoder, by its <toy> of width 24; Stable Diffusion XL has two: "
        + "give a file with clip_l and clip_g"
    ),
    (
      "tiny-sd1", [("clip_l", [2, 32]), ("clip_g", [2, 40])],
      "an embedding for Stable Diffusion XL, by its clip_l and clip_g; the checkpoint has one text "
        + "encoder: give an embedding that was trained for it"
    ),
    (
      "tiny-sd1", [("one", [2, 32]), ("two", [2, 32])],
      "a file of 2 tensors; an embedding has one tensor, named by its word or emb_params, or for SDXL "
        + "clip_l and clip_g"
    ),
  ]

  @Test("An embedding that does not fit says which tensor, what was expected, and what to do")
  func refused() throws {
    for (model, shapes, expected) in Self.refusals {
      let (said, path) = try said(model, shapes)
      #expect(said == "\(path): \(expected)", "\(model), \(shapes)")
    }
    let infinite = try said(
      "tiny-xl", [("clip_l", [2, 24]), ("clip_g", [2, 40])], value: .infinity)
    #expect(infinite.message.contains("clip_l: expected finite numbers"), "\(infinite.message)")
  }

  @Test("A file of SDXL's names for the first encoder alone is a word of its own name")
  func firstAlone() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/toy.safetensors"
    try SafetensorsWriter.write(
      [(name: "clip_l", payload: .float32(.full(1, shape: [2, 32])))], to: path)
    var options = CheckpointOptions()
    options.embeddings = [TextualInversion(path: path)]
    let checkpoint = try Checkpoint(TemporaryCheckpoint.fixtures + "/tiny-sd1", options)
    #expect(try checkpoint.makeTokenizer().encode("a toy").words[1].tokens == [2, 3])
  }

  @Test("Several words have vectors for both text encoders, in whatever order they are given")
  func several() throws {
    let folder = try TemporaryFolder()
    let files = try [("one", Float(1), 1), ("two", 2, 3)].map { word, value, count in
      let path = folder.path + "/\(word)-word.safetensors"
      try SafetensorsWriter.write(
        [
          (name: "clip_g", payload: .float32(.full(value, shape: [count, 32]))),
          (name: "clip_l", payload: .float32(.full(-value, shape: [count, 16]))),
        ], to: path)
      return TextualInversion(path: path)
    }
    let embeddings = try [files, files.reversed()].map { files in
      var options = CheckpointOptions()
      options.embeddings = files
      let checkpoint = try Checkpoint(TemporaryCheckpoint.fixtures + "/tiny-xl-v", options)
      let encoders = try checkpoint.makeTextEncoders()
      let table = encoders.tokenizer.encode("a one-word and a two-word")
      #expect(table.words.map(\.tokens) == [[1], [2], [3], [4], [5, 6, 7]])
      return try encoders.embedding(of: table)
    }
    #expect(embeddings[0].tokens.values == embeddings[1].tokens.values)
    #expect(embeddings[0].pooled?.values == embeddings[1].pooled?.values)
  }
}
