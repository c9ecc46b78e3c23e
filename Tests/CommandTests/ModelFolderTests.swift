import Foundation
import TestSupport
import Testing

/// Checkpoints that are not whole.
@Suite("Model folders")
struct ModelFolderTests {
  private static let prompt = "a cat and a frog"

  /// Copies the small checkpoint, changes the copy, and expects every subcommand to refuse it.
  private func refuse(
    _ code: Int32, _ words: [String], change: (TemporaryFolder) throws -> Void,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let folder = try TemporaryFolder()
    try FileManager.default.copyItem(atPath: Repository.tinyModel, toPath: folder.path + "/model")
    try change(folder)
    let commands = [
      ["model", "model"], ["verify", "model"],
      ["generate", Self.prompt, "--steps", "4", "--model", "model"],
    ]
    for command in commands {
      let result = try HeedProcess.run(command, in: folder.path)
      expectRefusal(result, code, words, sourceLocation: sourceLocation)
      #expect(!folder.names.contains("runs"), sourceLocation: sourceLocation)
    }
  }

  @Test(
    "A missing folder is named",
    arguments: [
      ["model", "nosuch"], ["verify", "nosuch"], ["compare", prompt, "--model", "nosuch"],
      ["generate", prompt, "--model", "nosuch"], ["tokens", prompt, "--model", "nosuch"],
      ["tokens", prompt, "--vocabulary", "nosuch"],
    ])
  func missingFolder(_ arguments: [String]) throws {
    let folder = try TemporaryFolder()
    expectRefusal(try HeedProcess.run(arguments, in: folder.path), 66, ["nosuch"])
    #expect(folder.names.isEmpty)
  }

  @Test(
    "A missing file is named",
    arguments: [
      "scheduler/scheduler_config.json", "text_encoder/config.json",
      "text_encoder/model.safetensors", "unet/config.json",
      "unet/diffusion_pytorch_model.safetensors", "vae/config.json",
      "vae/diffusion_pytorch_model.safetensors",
    ])
  func missingFile(_ name: String) throws {
    try refuse(66, ["model/" + name, "not found"]) { try $0.remove("model/" + name) }
  }

  @Test("Either layout of the tokenizer suffices", arguments: ["tokenizer.json", "vocab.json"])
  func tokenizerLayouts(_ missing: String) throws {
    let folder = try TemporaryFolder()
    try FileManager.default.copyItem(atPath: Repository.tinyModel, toPath: folder.path + "/model")
    let arguments = ["tokens", Self.prompt, "--model", "model"]
    let before = try HeedProcess.run(arguments, in: folder.path)
    try folder.remove("model/tokenizer/" + missing)
    let after = try HeedProcess.run(arguments, in: folder.path)
    #expect(before.status == 0 && after.status == 0)
    #expect(before.stdout == after.stdout)
  }

  @Test("A golden file is needed to verify")
  func noGolden() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.copyItem(atPath: Repository.tinyModel, toPath: folder.path + "/model")
    try folder.remove("model/golden.json")
    expectRefusal(
      try HeedProcess.run(["verify", "model"], in: folder.path), 66,
      ["golden.json", "No such file"])
  }

  private static let weights = "model/unet/diffusion_pytorch_model.safetensors"

  /// Changes the header of the UNet's weights, and their data.
  private func edit(
    _ folder: TemporaryFolder, _ change: (inout [String: Any], inout [UInt8]) throws -> Void
  ) throws {
    let file = folder.bytes(Self.weights)
    let size = file.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    let document = try JSONSerialization.jsonObject(with: Data(file[8..<(8 + size)]))
    var header = try #require(document as? [String: Any])
    var data = Array(file[(8 + size)...])
    try change(&header, &data)
    let text = try JSONSerialization.data(withJSONObject: header)
    let length = (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) }
    try folder.write(Self.weights, length + [UInt8](text) + data)
  }

  private func entry(_ header: [String: Any], _ name: String) throws -> [String: Any] {
    try #require(header[name] as? [String: Any])
  }

  @Test("A tensor that is missing is named, and so is one that is not used")
  func renamedTensor() throws {
    try refuse(65, ["1 missing, 1 unused", "missing: conv_in.bias", "unused: conv_in.bios"]) {
      try edit($0) { header, _ in
        header["conv_in.bios"] = header.removeValue(forKey: "conv_in.bias")
      }
    }
  }

  @Test("A tensor of another shape is named with both shapes")
  func reshapedTensor() throws {
    try refuse(
      65, ["1 of another shape", "conv_out.weight [16, 4, 3, 3] instead of [4, 16, 3, 3]"]
    ) {
      try edit($0) { header, _ in
        var tensor = try entry(header, "conv_out.weight")
        #expect(tensor["shape"] as? [Int] == [4, 16, 3, 3])
        tensor["shape"] = [16, 4, 3, 3]
        header["conv_out.weight"] = tensor
      }
    }
  }

  @Test("A type that is not known is named", arguments: ["F7", "", "F\u{1B}[31m"])
  func unknownType(_ type: String) throws {
    try refuse(65, ["conv_in.bias", "dtype"]) {
      try edit($0) { header, _ in
        var tensor = try entry(header, "conv_in.bias")
        tensor["dtype"] = type
        header["conv_in.bias"] = tensor
      }
    }
  }

  @Test("Offsets that lie are refused", arguments: [[0, 1 << 40], [8, 4], [-1, 3], [4, 4]])
  func lyingOffsets(_ offsets: [Int]) throws {
    try refuse(65, [Self.weights]) {
      try edit($0) { header, _ in
        var tensor = try entry(header, "conv_in.bias")
        tensor["data_offsets"] = offsets
        header["conv_in.bias"] = tensor
      }
    }
  }

  @Test("A truncated file is refused", arguments: [0, 5, 8, 1000, 500_000])
  func truncated(_ length: Int) throws {
    try refuse(65, [Self.weights]) {
      try $0.write(Self.weights, $0.bytes(Self.weights).prefix(length))
    }
  }

  @Test("A header longer than the file is refused", arguments: [UInt8(0x7F), 0xFF])
  func lyingHeader(_ byte: UInt8) throws {
    try refuse(65, [Self.weights, "header"]) {
      var file = $0.bytes(Self.weights)
      file[6] = byte
      try $0.write(Self.weights, file)
    }
  }

  @Test("A configuration that is no configuration is refused", arguments: ["", "{", "[]", "\u{0}"])
  func damagedConfiguration(_ text: String) throws {
    try refuse(65, ["model/unet/config.json"]) { try $0.write("model/unet/config.json", text.utf8) }
  }

  @Test(
    "A number that no checkpoint has is refused",
    arguments: [
      "\"sample_size\": 4611686018427387904", "\"sample_size\": 0",
      "\"norm_num_groups\": 0", "\"layers_per_block\": -1",
      "\"block_out_channels\": [1000000, 1000000, 1000000, 1000000]",
      "\"block_out_channels\": []", "\"cross_attention_dim\": 9223372036854775807",
    ])
  func impossibleNumber(_ member: String) throws {
    let folder = try TemporaryFolder()
    try FileManager.default.copyItem(atPath: Repository.tinyModel, toPath: folder.path + "/model")
    let name = "model/unet/config.json"
    let document = try JSONSerialization.jsonObject(with: Data(folder.bytes(name)))
    var config = try #require(document as? [String: Any])
    let change = try JSONSerialization.jsonObject(with: Data("{\(member)}".utf8))
    config.merge(try #require(change as? [String: Any])) { $1 }
    try folder.write(name, try JSONSerialization.data(withJSONObject: config))
    let result = try HeedProcess.run(["model", "model"], in: folder.path)
    expectRefusal(result, result.status == 69 ? 69 : 65, ["model/unet/"])
  }

  @Test(
    "A weight that is not a number is found in its layer and call",
    arguments: ["conv_in", "conv_out"])
  func notANumber(_ layer: String) throws {
    let folder = try TemporaryFolder()
    try FileManager.default.copyItem(atPath: Repository.tinyModel, toPath: folder.path + "/model")
    try edit(folder) { header, data in
      let tensor = try entry(header, layer + ".bias")
      let offsets = try #require(tensor["data_offsets"] as? [Int])
      for byte in offsets[0]..<(offsets[0] + 4) { data[byte] = 0xFF }
    }
    let result = try HeedProcess.run(
      ["generate", Self.prompt, "--steps", "4", "--model", "model"], in: folder.path)
    #expect(result.status == 65)
    let line = result.messages.last.map(String.init) ?? ""
    #expect(line.hasPrefix("heed: \(layer): output is not finite at step 0 ("), "\(line)")
    #expect(line.contains("pass)"))
    #expect(!folder.names.contains { $0.hasSuffix("image.png") || $0.hasSuffix("latent.npy") })
  }
}
