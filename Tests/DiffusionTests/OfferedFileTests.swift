import Diffusion
import Foundation
import TensorEngine
import Testing

/// What people have in the place of weights, wherever weights are read.
@Suite("Files that are offered as weights")
struct OfferedFileTests {
  private static let pointer = """
    version https://git-lfs.github.com/spec/v1
    oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393
    size 3438167540

    """

  /// A zip archive's first entry of that name.
  private static func zip(_ name: String) -> [UInt8] {
    [0x50, 0x4B, 3, 4, 0, 0, 8, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
      + [UInt8(name.utf8.count), 0, 0, 0] + Array(name.utf8) + [UInt8](repeating: 0x80, count: 40)
  }

  static let files: [(bytes: [UInt8], words: [String])] = [
    ([], ["an empty file", "fetch the file again"]),
    (Array(pointer.utf8), ["a Git LFS pointer", "3438167540 bytes", "git lfs pull"]),
    (Array("<!DOCTYPE html>\n<html class=\"\">".utf8), ["a web page", "download the file itself"]),
    (Array("\n <html><body>Sign in</body></html>".utf8), ["a web page"]),
    (Array("<?xml version=\"1.0\"?><Error>AccessDenied</Error>".utf8), ["a web page"]),
    (Array("Entry not found".utf8), ["text and no weights", "Entry not found"]),
    (Array("{\"error\":\"Invalid username or password.\"}".utf8), ["JSON", "Invalid username"]),
    (Array("GGUF".utf8) + [3, 0, 0, 0, 1, 2, 0, 0], ["GGUF", "safetensors"]),
    ([0x80, 2, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20], ["pickled", "weights_only=True"]),
    (zip("archive/data.pkl"), ["pickled", "weights_only=True"]),
    (zip("model/unet/config.json"), ["a zip archive", "unpack it"]),
    ([8, 7, 0x12, 7] + Array("pytorch".utf8) + [0x1A, 5], ["an ONNX model"]),
    ([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3], ["gzip", "unpack it"]),
    ([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C, 0, 4], ["7z", "unpack it"]),
    ([0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A], ["HDF5"]),
    ([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], ["a PNG picture"]),
    ([UInt8](repeating: 0, count: 4096), ["a file of zeros"]),
  ]

  /// Every place that reads weights, with what it is given.
  private func said(of bytes: [UInt8], named name: String) throws -> [(path: String, said: String)]
  {
    let copy = try TemporaryCheckpoint(of: "tiny-sd1")
    let path = copy.path + "/" + name
    try copy.write(bytes, to: name)
    let fixture = TemporaryCheckpoint.fixtures + "/tiny-sd1"
    var vae = CheckpointOptions()
    vae.vae = path
    var lora = CheckpointOptions()
    lora.loras = [LoRA(path: path)]
    var all = [
      (path, message { _ = try Checkpoint(path) }),
      (path, message { _ = try Checkpoint(fixture, vae) }),
      (path, message { _ = try Checkpoint(fixture, lora) }),
    ]
    for part in [TemporaryCheckpoint.unet, TemporaryCheckpoint.vae, TemporaryCheckpoint.text] {
      let copy = try TemporaryCheckpoint()
      try copy.write(bytes, to: part)
      all.append(
        (
          copy.path + "/" + part,
          message {
            let checkpoint = try Checkpoint(copy.path)
            _ = try (checkpoint.makeUNet(), checkpoint.makeVAE(), checkpoint.makeTextModel())
          }
        ))
    }
    return all
  }

  @Test(
    "Each says in one line what it is and what to do, wherever weights are read", arguments: files)
  func formats(_ bytes: [UInt8], _ words: [String]) throws {
    for (path, said) in try said(of: bytes, named: "offered.safetensors") {
      #expect(said.hasPrefix(path + ": ") && !said.contains("\n"), "\(said)")
      for word in words { #expect(said.contains(word), "\(word) in \(said)") }
    }
  }

  @Test("A file that is not whole says so by its size, and by the name of a download")
  func unfinished() throws {
    let fixture = TemporaryCheckpoint.fixtures + "/" + "lora/peft.safetensors"
    let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: fixture)))
    for length in [100, 3000, whole.count - 1] {
      for (path, said) in try said(of: Array(whole.prefix(length)), named: "cut.safetensors") {
        #expect(said.hasPrefix(path + ": ") && said.contains("not whole"), "\(said)")
        #expect(said.contains("fetch it again"), "\(said)")
      }
      for name in ["model.safetensors.part", "abc.incomplete", "m.safetensors.crdownload"] {
        for (path, said) in try said(of: Array(whole.prefix(length)), named: name).prefix(3) {
          #expect(said.hasPrefix(path + ": a download that has not ended"), "\(said)")
        }
      }
    }
    let copy = try TemporaryCheckpoint()
    try copy.remove(TemporaryCheckpoint.unet)
    try copy.write(whole.prefix(50), to: TemporaryCheckpoint.unet + ".incomplete")
    let said = message { _ = try Checkpoint(copy.path).makeUNet() }
    #expect(said.contains("safetensors.incomplete, a download that has not ended"), "\(said)")
  }

  @Test("A LoRA and an embedding that are given as a checkpoint say by which option to give them")
  func otherWeights() throws {
    for (names, words) in [
      (["lora_unet_x.lora_down.weight"], "--lora"), (["x.hada_w1_a"], "--lora"),
      (["emb_params"], "--embedding"), (["<cat>"], "--embedding"),
      (["decoder.conv_in.weight"], "--vae"),
    ] {
      let path =
        FileManager.default.temporaryDirectory.path + "/heed-\(UUID().uuidString).safetensors"
      defer { try? FileManager.default.removeItem(atPath: path) }
      try SafetensorsWriter.write(
        names.map { ($0, .float32(.full(1, shape: [3, 768]))) }, to: path)
      let said = message { _ = try Checkpoint(path) }
      #expect(said.hasPrefix(path + ": ") && said.contains(words), "\(said)")
    }
  }
}
