import ArgumentParser
import AttentionAnalysis
import AttentionTrace
import Diffusion
import Foundation
import PromptText

/// What a checkpoint is.
struct Model: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Shows what a checkpoint is, its attention sites, and what recording them would cost.",
    usage: "heed model [<path>] [--json] [<options>]")

  @Argument(
    help:
      "The checkpoint's folder or .safetensors file; without it, the model that comes with Heed.")
  var path: String?

  @OptionGroup var weights: WeightOptions

  @OptionGroup var size: SizeOption

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    var request = GenerationRequest(
      prompt: "", seed: 0, method: .stableDiffusion, subjects: [])
    request.size = try size.imageSize
    let checkpoint = try weights.checkpoint(path ?? Checkpoint.menagerie)
    let model = try StableDiffusion(checkpoint)
    let description = try ModelDescription(model, request, try checkpoint.hashes())
    print(json ? try description.json() : try description.text())
  }
}

/// A loaded checkpoint in words and numbers.
private struct ModelDescription {
  private struct Facts: Encodable {
    let name: String
    let layout: String
    let image: [Int]
    let latent: [Int]
    let tokens: Int
    let textWidth: Int
    let prediction: String
    let scheduler: [String: String]
    let attentionResolution: String
    let normalizeEot: Bool
    let sites: [AttentionSite]
    let files: [String: String]
  }

  private let model: StableDiffusion
  private let facts: Facts
  private let request: GenerationRequest

  /// - Parameter request: says at which size the model shall be described.
  init(
    _ model: StableDiffusion, _ request: GenerationRequest, _ hashes: [String: String]
  ) throws {
    self.model = model
    self.request = request
    let (size, latent) = (model.size(request), try model.latentGrid(request))
    let checkpoint = model.checkpoint
    facts = Facts(
      name: checkpoint.name, layout: checkpoint.layout,
      image: [size.height, size.width],
      latent: [latent.rows, latent.columns], tokens: model.tokenizer.window,
      textWidth: checkpoint.textConfiguration.width,
      prediction: checkpoint.schedule.prediction.rawValue,
      scheduler: checkpoint.schedule.settings.merging(["class": checkpoint.schedule.className]) {
        $1
      },
      attentionResolution: try model.grid(request).description,
      normalizeEot: model.stopsAtEnd(request), sites: try model.sites(request), files: hashes)
  }

  func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(facts), as: UTF8.self)
  }

  func text() throws -> String {
    let rows = facts.sites.map { site in
      [
        site.path, site.kind.rawValue, String(site.heads), site.grid.description,
        String(site.keys), formatBytes(2 * site.heads * site.grid.pixels * site.keys),
      ]
    }
    let sites = AlignedColumns(
      [["site", "kind", "heads", "grid", "keys", "float16 a call"]] + rows, leftAligned: [0, 1])
    return """
      \(facts.name): a latent diffusion model \(facts.layout), 0 missing, 0 unused
      image           \(facts.image[0])x\(facts.image[1]) pixels, \
      latent \(facts.latent[0])x\(facts.latent[1])x4
      text            \(facts.tokens) tokens, width \(facts.textWidth)
      prediction      \(facts.prediction), shipped with \(facts.scheduler["class"] ?? "no scheduler")
      excitation      reads \(facts.attentionResolution); \
      \(facts.normalizeEot ? "stops before the end token" : "all tokens but the first and last")

      \(sites.text)

      \(try costs())
      """
  }

  private func costs() throws -> String {
    let plans: [(String, RecordingPlan)] = [
      ("the loss's grid, conditional", RecordingPlan(layers: [facts.attentionResolution])),
      ("all cross-attention, conditional", RecordingPlan(layers: ["*"])),
      (
        "all cross-attention, both branches",
        RecordingPlan(layers: ["*"], branches: Set(Branch.allCases))
      ),
      ("all self-attention, conditional", RecordingPlan(layers: ["*attn1"])),
    ]
    let passes = try model.possiblePasses(request)
    let rows = plans.map { name, plan in
      let cost = plan.cost(sites: facts.sites, passes: passes)
      return [name, formatBytes(cost.bytesOnDisk), formatBytes(cost.memory)]
    }
    return AlignedColumns(
      [["recording a 50-step run in float16", "disk", "memory"]] + rows, leftAligned: [0]
    ).text
  }
}
