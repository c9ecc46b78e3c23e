import AttentionTrace
import Diffusion
import Foundation
import TensorEngine
import Testing

@Suite("The forms in which weights are saved")
struct WeightFilesTests {
  private static let stem = "unet/diffusion_pytorch_model"

  /// What a checkpoint's UNet makes of fixed noise.
  private func noise(_ path: String) throws -> [Float] {
    let model = try LoadedCheckpoint(path: path)
    let pass = AttentionPass(step: 0, timestep: 500, phase: .denoise, branches: [.conditional])
    return try model.unet(
      model.noise(3), timestep: 500, text: model.embedding("a cat and a frog"),
      tap: AttentionTap(pass: pass)
    ).values
  }

  /// Cuts the UNet's weights into shards, with an index under `indexName`.
  private func shard(_ copy: TemporaryCheckpoint, count: Int, indexName: String) throws {
    let file = try SafetensorsFile(path: copy.path + "/" + TemporaryCheckpoint.unet)
    var map: [String: String] = [:]
    for shard in 0..<count {
      let name = "diffusion_pytorch_model-0000\(shard + 1)-of-0000\(count).safetensors"
      let names = file.names.enumerated().filter { $0.offset % count == shard }.map(\.element)
      for tensor in names { map[tensor] = name }
      try SafetensorsWriter.write(
        names.map { ($0, .float32(try file.tensor($0))) }, to: copy.path + "/unet/" + name)
    }
    try copy.remove(TemporaryCheckpoint.unet)
    try writeIndex(map, copy, indexName)
  }

  private func writeIndex(
    _ map: [String: String], _ copy: TemporaryCheckpoint, _ name: String
  ) throws {
    let json = try JSONSerialization.data(
      withJSONObject: ["metadata": ["total_size": 1], "weight_map": map])
    try copy.write(json, to: name)
  }

  @Test(
    "Shards give the same as one file",
    arguments: [
      "unet/diffusion_pytorch_model.safetensors.index.json",
      "unet/diffusion_pytorch_model.safetensors.index.fp16.json",
    ])
  func shards(_ indexName: String) throws {
    let copy = try TemporaryCheckpoint()
    let whole = try noise(copy.path)
    try shard(copy, count: 3, indexName: indexName)
    #expect(try noise(copy.path) == whole)
    let hashes = try Checkpoint(copy.path).hashes()
    #expect(hashes[indexName]?.count == 64)
    #expect(hashes.keys.count { $0.contains("-of-") } == 3)
  }

  @Test("The only variant is taken")
  func variant() throws {
    let copy = try TemporaryCheckpoint()
    let whole = try noise(copy.path)
    try copy.write(try copy.read(TemporaryCheckpoint.unet), to: Self.stem + ".fp16.safetensors")
    try copy.remove(TemporaryCheckpoint.unet)
    #expect(try noise(copy.path) == whole)
  }

  @Test("Of several variants the most precise is taken, and said; another can be chosen")
  func variants() throws {
    let copy = try TemporaryCheckpoint()
    let whole = try noise(copy.path)
    for name in ["fp16", "non_ema"] {
      try copy.write(
        try copy.read(TemporaryCheckpoint.unet), to: "\(Self.stem).\(name).safetensors")
    }
    // The file without a variant's name comes first.
    #expect(try Checkpoint(copy.path).notes.isEmpty)
    #expect(try Checkpoint(copy.path).hashes().keys.contains(TemporaryCheckpoint.unet))
    try copy.remove(TemporaryCheckpoint.unet)
    let unasked = try Checkpoint(copy.path)
    #expect(
      unasked.notes.count == 1
        && unasked.notes[0].contains("using the variant fp16 of fp16, non_ema"))
    #expect(try unasked.hashes().keys.contains("\(Self.stem).fp16.safetensors"))
    #expect(try noise(copy.path) == whole)
    var options = CheckpointOptions()
    options.variant = "non_ema"
    let asked = try Checkpoint(copy.path, options)
    #expect(try asked.hashes().keys.contains("\(Self.stem).non_ema.safetensors"))
    #expect(asked.notes.allSatisfy { $0.contains("without a variant name") })
    options.variant = "bf16"
    let none = message { _ = try Checkpoint(copy.path, options).makeUNet() }
    #expect(none.contains("bf16.safetensors: not found; the variant can be fp16 or non_ema"))
  }

  @Test("A shard that is missing, holds too little or too much, or lies elsewhere is refused")
  func badShards() throws {
    let index = "unet/diffusion_pytorch_model.safetensors.index.json"
    let first = "unet/diffusion_pytorch_model-00001-of-00002.safetensors"
    let second = "unet/diffusion_pytorch_model-00002-of-00002.safetensors"
    let missing = try TemporaryCheckpoint()
    try shard(missing, count: 2, indexName: index)
    try missing.remove(second)
    let absent = #expect(throws: FileError.self) { try noise(missing.path) }
    #expect(absent?.path.hasSuffix(second) == true)

    let twice = try TemporaryCheckpoint()
    try shard(twice, count: 2, indexName: index)
    try twice.write(try twice.read(first), to: second)
    let double = #expect(throws: FileError.self) { try noise(twice.path) }
    #expect(double?.description.contains("is in ") == true)

    let less = try TemporaryCheckpoint()
    try shard(less, count: 2, indexName: index)
    try writeIndex(["conv_in.weight": String(first.dropFirst(5))], less, index)
    #expect(throws: DiffusionError.self) { try noise(less.path) }

    for name in ["../vae/diffusion_pytorch_model.safetensors", "weights.bin", ""] {
      let outside = try TemporaryCheckpoint()
      try outside.remove(TemporaryCheckpoint.unet)
      try writeIndex(["conv_in.weight": name], outside, index)
      let error = #expect(throws: FileError.self) { try noise(outside.path) }
      #expect(error?.description.contains("beside the index") == true)
    }
  }

  @Test("An autoencoder saved under the older names gives the same picture")
  func oldNames() throws {
    let copy = try TemporaryCheckpoint()
    let latent = try LoadedCheckpoint(path: copy.path).noise(3, rows: 8, columns: 8)
    let picture = try Checkpoint(copy.path).makeVAE().decode(latent).values
    let names = [
      ".to_q.": ".query.", ".to_k.": ".key.", ".to_v.": ".value.", ".to_out.0.": ".proj_attn.",
    ]
    try copy.rewrite(TemporaryCheckpoint.vae) { tensors in
      for index in tensors.indices {
        for (new, old) in names {
          tensors[index].name = tensors[index].name.replacingOccurrences(of: new, with: old)
        }
      }
    }
    #expect(try Checkpoint(copy.path).makeVAE().decode(latent).values == picture)
  }
}
