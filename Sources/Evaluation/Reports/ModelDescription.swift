internal import AttentionAnalysis
internal import AttentionTrace
package import Diffusion
private import Foundation
internal import PromptText
internal import TensorEngine

/// A loaded checkpoint in words and numbers.
package struct ModelDescription {
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

  private let plan: PlannedRun
  private let facts: Facts

  /// Describes the checkpoint of a plan at the size of its run, with its files' hashes.
  package init(_ plan: PlannedRun, _ hashes: [String: String]) throws {
    self.plan = plan
    let (size, latent, model) = (plan.size, plan.latentGrid, plan.model)
    let checkpoint = model.checkpoint
    facts = Facts(
      name: checkpoint.name, layout: checkpoint.layout,
      image: [size.height, size.width],
      latent: [latent.rows, latent.columns], tokens: model.tokenizer.window,
      textWidth: checkpoint.unetConfiguration.contextWidth,
      prediction: checkpoint.schedule.prediction.rawValue,
      scheduler: checkpoint.schedule.settings.merging(["class": checkpoint.schedulerClass]) {
        $1
      },
      attentionResolution: plan.grid.description,
      normalizeEot: plan.request.stopsAtEnd ?? false, sites: plan.sites, files: hashes)
  }

  package func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(facts), as: UTF8.self)
  }

  package func text() -> String {
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

      \(costs())
      """
  }

  private func costs() -> String {
    let plans: [(String, RecordingPlan)] = [
      ("the loss's grid, conditional", RecordingPlan(layers: [facts.attentionResolution])),
      ("all cross-attention, conditional", RecordingPlan(layers: ["*"])),
      (
        "all cross-attention, both branches",
        RecordingPlan(layers: ["*"], branches: Set(Branch.allCases))
      ),
      ("all self-attention, conditional", RecordingPlan(layers: ["*attn1"])),
    ]
    let rows = plans.map { name, plan in
      let cost = plan.cost(sites: facts.sites, passes: self.plan.passes)
      return [name, formatBytes(cost.bytesOnDisk), formatBytes(cost.memory)]
    }
    return AlignedColumns(
      [["recording a 50-step run in float16", "disk", "memory"]] + rows, leftAligned: [0]
    ).text
  }
}
