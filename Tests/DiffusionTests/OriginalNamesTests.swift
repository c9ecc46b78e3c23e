import Diffusion
import TensorEngine
import Testing

@Suite("Names of the original layout")
struct OriginalNamesTests {
  private struct Names {
    let unet: OriginalNames
    let vae: OriginalNames
    let text: OriginalNames

    subscript(part part: String) -> OriginalNames {
      part == "unet" ? unet : part == "vae" ? vae : text
    }

    var all: [OriginalNames] { [unet, vae, text] }
  }

  private static func node(_ json: String) throws -> JSONNode {
    JSONNode(try StrictJSON.parse(Array(json.utf8), file: "test"), file: "test")
  }

  private static func names(_ name: String) throws -> Names {
    let isTwo = name.hasSuffix("sd2")
    let text =
      isTwo ? OriginalNames.openCLIP(layers: name == "sd2" ? 23 : 3) : .clip(isPrefixed: true)
    if name.hasPrefix("tiny") {
      let checkpoint = try Checkpoint(TemporaryCheckpoint.fixtures + "/" + name)
      return Names(
        unet: .unet(checkpoint.unetConfiguration), vae: .vae(checkpoint.vaeConfiguration),
        text: text)
    }
    let down = #""CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D""#
    let up = #""CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D""#
    let unet = try UNetConfiguration(
      node(
        """
        {"block_out_channels": [320, 640, 1280, 1280], "cross_attention_dim": 768,
         "down_block_types": [\(down), "DownBlock2D"], "up_block_types": ["UpBlock2D", \(up)]}
        """))
    func list(_ type: String) -> String {
      [String](repeating: "\"\(type)\"", count: 4).joined(separator: ",")
    }
    let vae = try VAEConfiguration(
      node(
        """
        {"block_out_channels": [128, 256, 512, 512], "layers_per_block": 2,
         "down_block_types": [\(list("DownEncoderBlock2D"))],
         "up_block_types": [\(list("UpDecoderBlock2D"))]}
        """))
    return Names(unet: .unet(unet), vae: .vae(vae), text: text)
  }

  private static let tables = ["tiny-sd1", "tiny-sd2", "sd1", "sd2"]

  @Test("Every name of either layout has one in the other, and is had by it", arguments: tables)
  func bothWays(_ name: String) throws {
    let names = try Self.names(name)
    var count = 0
    for row in try NameTable(name).rows {
      let found = names.all.flatMap { $0.ours(row.original) }
      guard let part = row.part else {
        #expect(found.isEmpty, "\(row.original)")
        continue
      }
      count += 1
      let form: OriginalNames.Form =
        row.third.map { .third($0) }
        ?? (row.original.contains(".attn_1.") && row.original.hasSuffix(".weight")
          && !row.original.contains(".norm.") ? .kernel : .whole)
      #expect(found.contains { $0.name == row.ours && $0.form == form }, "\(row.original)")
      #expect(found.count == (row.third == nil ? 1 : 3), "\(row.original)")
      let back = try #require(names[part: part].original(row.ours), "\(row.ours)")
      #expect(back.name == row.original && back.form == form)
    }
    // 686 + 248 + 196 and 686 + 248 + 372 parameters have the published checkpoints.
    #expect(name != "sd1" || count == 1130)
    #expect(name != "sd2" || count == 1306)
  }

  @Test(
    "diffusers' names below the original prefix, and the autoencoder's attention by its other names, are known",
    arguments: [
      (
        "model.diffusion_model.down_blocks.0.resnets.0.norm1.weight",
        "down_blocks.0.resnets.0.norm1.weight"
      ),
      (
        "first_stage_model.decoder.mid_block.attentions.0.query.bias",
        "decoder.mid_block.attentions.0.query.bias"
      ),
      (
        "first_stage_model.encoder.mid.attn_1.to_q.weight",
        "encoder.mid_block.attentions.0.to_q.weight"
      ),
      (
        "first_stage_model.encoder.mid.attn_1.proj_attn.bias",
        "encoder.mid_block.attentions.0.to_out.0.bias"
      ),
      (
        "first_stage_model.encoder.mid.attn_1.to_out.0.bias",
        "encoder.mid_block.attentions.0.to_out.0.bias"
      ),
      (
        "first_stage_model.encoder.mid.attn_1.group_norm.bias",
        "encoder.mid_block.attentions.0.group_norm.bias"
      ),
    ])
  func mixed(_ name: String, _ ours: String) throws {
    let names = try Self.names("sd1")
    #expect(names.all.flatMap { $0.ours(name) }.map(\.name) == [ours])
  }

  @Test(
    "A name that is not of the layout has none in the other",
    arguments: [
      "model.diffusion_model.input_blocks.1.0.norm1.weight",
      "model.diffusion_model.input_blocks.99.0.in_layers.0.weight",
      "first_stage_model.quant", "",
      "conv_in.weight", "model.diffusion_model.",
    ])
  func strangers(_ name: String) throws {
    let names = try Self.names("sd1")
    #expect(names.all.allSatisfy { $0.ours(name).isEmpty })
  }
}
