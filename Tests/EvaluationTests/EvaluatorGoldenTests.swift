import Diffusion
import Evaluation
import Foundation
import Pictures
import TensorEngine
import TestSupport
import Testing

/// Evaluators against what transformers computes with the same files; `make_goldens.py` writes that.
@Suite("Evaluators' goldens")
struct EvaluatorGoldenTests {
  @Test(
    "Pixels, token ids, vectors, logits and boxes are transformers'",
    arguments: Evaluators.embedded + Evaluators.tiny)
  func goldens(_ name: String) throws {
    var verification = try EvaluatorFolder(Evaluators.folder(name)).verification()
    var computed = 0
    for name in verification.names {
      let line = try verification.verify(name)
      #expect(line.outcome == .passed || line.outcome == .input, "\(line)")
      if line.outcome == .passed { computed += 1 }
    }
    // Pixels of four pictures; then three tensors and ids, or two, ids and four lists of detections.
    #expect(computed >= 8)
  }

  @Test("Pixels are within a millionth of transformers', too", arguments: Evaluators.tiny)
  func pixels(_ name: String) throws {
    let golden = try SafetensorsFile(path: Evaluators.folder(name) + "/golden.safetensors")
    let preprocessing = try PicturePreprocessing(folder: EvaluatorFolder(Evaluators.folder(name)))
    for index in 0..<4 {
      let pixels = try preprocessing(Evaluators.picture(index, of: name))
      let expected = try golden.tensor("pixels.\(index)")
      #expect(pixels.shape == [1] + expected.shape)
      expectClose(
        pixels.values, expected.values.map(Double.init), relative: 1e-6, "\(name) \(index)")
    }
  }

  @Test(
    "A golden that is off by more than the bar fails, and a stranger's name is said to be unknown")
  func failures() throws {
    let folder = try TemporaryFolder()
    let copy = folder.path + "/clip"
    try FileManager.default.copyItem(atPath: Evaluators.folder("clip-sharp"), toPath: copy)
    let path = copy + "/golden.safetensors"
    let golden = try SafetensorsFile(path: path)
    let place = try #require(golden.entry("image_embeds")).range.lowerBound + 7 * 4
    let moved = try golden.tensor("image_embeds").values[7] + 3e-4
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    bytes.replaceSubrange(
      place..<place + 4, with: withUnsafeBytes(of: moved.bitPattern.littleEndian) { Data($0) })
    let name = try #require(bytes.range(of: Data("token_ids".utf8)))
    bytes.replaceSubrange(name, with: Data("shoe_size".utf8))
    try bytes.write(to: URL(fileURLWithPath: path))
    var verification = try EvaluatorFolder(copy).verification()
    #expect(try verification.verify("image_embeds").outcome == .failed)
    #expect(try verification.verify("text_embeds").outcome == .passed)
    #expect(try verification.verify("shoe_size").outcome == .unknown)
    var loose = try EvaluatorFolder(copy).verification(tolerance: 1e-3)
    #expect(try loose.verify("image_embeds").outcome == .passed)
  }

  @Test("OpenCLIP's layout gives the vectors of the same weights in transformers' layout")
  func openCLIP() throws {
    let open = try CLIPModel(EvaluatorFolder(Evaluators.folder("open-clip")))
    let golden = try SafetensorsFile(
      path: Evaluators.folder("clip-gelu") + "/golden.safetensors")
    let texts = try StrictJSON.read(path: Evaluators.folder("clip-gelu") + "/golden.json")
      .member("texts").strings()
    expectClose(
      try open.vectors(of: texts), try golden.tensor("text_embeds"), relative: 1e-5)
    let pixels = Tensor.concatenated(
      try (0..<4).map {
        let one = try golden.tensor("pixels.\($0)")
        return one.reshaped([1] + one.shape)
      }, axis: 0)
    expectClose(
      try open.vectors(ofPixels: pixels), try golden.tensor("image_embeds"), relative: 1e-5)
  }

  @Test("A configuration of timm's beside OpenCLIP's changes nothing")
  func timm() throws {
    let folder = try TemporaryFolder()
    let copy = folder.path + "/open"
    try FileManager.default.copyItem(atPath: Evaluators.folder("open-clip"), toPath: copy)
    try #"{"architecture": "vit_base_patch16_clip_224"}"#.write(
      toFile: copy + "/config.json", atomically: true, encoding: .utf8)
    let found = try EvaluatorFolder(copy)
    #expect(found.kind == .clip && found.isOpenCLIP)
    _ = try CLIPModel(found)
  }

  @Test("OpenCLIP's pictures are cut out of the middle as torchvision does")
  func openCLIPPixels() throws {
    let folder = try EvaluatorFolder(Evaluators.folder("open-clip"))
    let golden = try SafetensorsFile(path: folder.path + "/pixels.safetensors")
    let preprocessing = try CLIPModel(folder).preprocessing
    for index in 0..<4 {
      let pixels = try preprocessing(Evaluators.picture("picture.\(index)", in: golden))
      expectClose(
        pixels.values, try golden.tensor("pixels.\(index)").values.map(Double.init),
        relative: 1e-6, "\(index)")
    }
  }

  @Test(
    "Positions are interpolated for pictures of other sizes as transformers does",
    arguments: ["70x70", "28x28", "70x98", "45x30"])
  func positions(_ size: String) throws {
    let golden = try SafetensorsFile(path: Evaluators.fixtures + "/positions.safetensors")
    let model = try CLIPModel(EvaluatorFolder(Evaluators.folder("clip-gelu")))
    let states = try model.states(ofPixels: golden.tensor("pixels." + size))
    expectClose(states, try golden.tensor("states." + size), relative: 2e-5)
  }
}
