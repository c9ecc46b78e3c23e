import ArgumentParser
import AttentionTrace
import Diffusion
import Drawing
import Evaluation
import Figures
import Foundation
import HeedCommand
import PromptText
import TestSupport
import Testing

/// A method with one knob, which is nowhere but in this file.
struct Tilt: Method {
  let name = "tilt"
  let title = "Tilted noise"
  let summary = "Adds a number to the latent before the first step."
  var angle = 0.25

  static let knobs: [Knob<Tilt>] = [
    .number("tilt-angle", \.angle, in: 0...2, "What is added to the latent.")
  ]

  func looks(at step: Int) -> [MethodLook] { [] }
}

/// A command with the knobs of all methods.
private struct Probe: ParsableCommand {
  @OptionGroup var knobs: KnobOptions
}

@Suite("A method that is added", .serialized)
struct KnobTests {
  private func added<Value>(_ body: () throws -> Value) rethrows -> Value {
    try Methods.$all.withValue(Methods.all + [Tilt()], operation: body)
  }

  @Test("Its knob is an option, in help, completion, the man page and suggestions")
  func options() throws {
    try added {
      let probe = try Probe.parse(["--tilt-angle", "0.5"])
      #expect(probe.knobs.texts == ["tilt-angle": "0.5"])
      let help = Probe.helpMessage(includeHidden: true, columns: 200)
      #expect(help.contains("--tilt-angle <number>"))
      #expect(help.contains("tilt: What is added to the latent. (default: 0.25)"))
      for shell in CompletionShell.allCases {
        #expect(Probe.completionScript(for: shell).contains("tilt-angle"), "\(shell)")
      }
      // What the man page is made of.
      #expect(Probe._dumpHelp().contains("tilt-angle"))
      let error = #expect(throws: (any Error).self) { try Probe.parse(["--tilt-angl", "0.5"]) }
      #expect(error.map(Probe.message)?.contains("Did you mean '--tilt-angle'?") == true)
      #expect(MethodHelp(["help", "tilt"])?.text.contains("--tilt-angle <number>") == true)
      #expect(MethodHelp(["help", "methods"])?.text.contains("tilt\n") == true)
    }
    #expect(throws: (any Error).self) { try Probe.parse(["--tilt-angle", "0.5"]) }
  }

  @Test("Its knob is applied, kept in its range, and refused where no method reads it")
  func applied() throws {
    try added {
      let knobs = try Probe.parse(["--tilt-angle", "0.5"]).knobs
      let methods = try knobs.applied(to: [PlainDiffusion(), Tilt()])
      #expect((methods[1] as? Tilt)?.angle == 0.5)
      let unread = #expect(throws: (any Error).self) { try knobs.applied(to: [PlainDiffusion()]) }
      #expect(unread.map { "\($0)" }?.contains("--tilt-angle is an option of tilt") == true)
      for text in ["3", "-1", "nan", "steep", ""] {
        let knobs = try Probe.parse(["--tilt-angle", text]).knobs
        let error = #expect(throws: DiffusionError.self) { try knobs.applied(to: [Tilt()]) }
        #expect(error.map { "\($0)" }?.contains("expected 0 to 2") == true, "\(text)")
      }
    }
  }

  @Test("Its knob stands in run.json, is swept and repeated, and its title is in figures")
  func recorded() throws {
    try added {
      let folder = try TemporaryFolder()
      let model = try StableDiffusion(.bundled)
      let sweep = try Evaluation.Sweep("tilt-angle=0.5,1", of: Tilt())
      let orders = try sweep.orders("a cat and a frog", by: Tilt(), from: [0], on: model) {
        var request = RunRequest($0.prompt, seed: 0)
        request.steps = 2
        return request
      }
      let runs = try Batch(Runner(model), RunOrder(joining: orders).plans).run(in: folder.path)
      #expect(
        runs.map { $0.manifest.request.method.knobs } == [
          ["tilt-angle": "0.5"], ["tilt-angle": "1.0"],
        ])
      #expect(runs.map { $0.manifest.value(ofKnob: "tilt-angle") } == ["0.5", "1"])
      #expect(runs.map(\.manifest.method.name) == ["tilt+tilt-angle-0.5", "tilt+tilt-angle-1"])
      #expect((try RunRequest(runs[1].manifest.request).method as? Tilt)?.angle == 1)
      let scene = try Figures.Sheet(SheetPlan(.maps(.sweep(knob: "tilt-angle"))), of: runs).scene()
      #expect(scene.json.contains("tilt-angle"))
      let methods = try Figures.Sheet(.methods, of: [runs[0]]).scene()
      #expect(methods.json.contains("Tilted noise"))
    }
  }

  @Test("Every knob's text is read back as it was written, in every method")
  func texts() throws {
    for method in Methods.all {
      var copy = method
      try copy.set(method.knobTexts)
      #expect(copy.knobTexts == method.knobTexts, "\(method.name)")
      for knob in method.knobs {
        #expect([".", ")"].contains(knob.help.suffix(1)), "\(method.name) \(knob.name)")
        #expect(throws: (any Error).self) { try copy.set([knob.name + "-not": "1"]) }
      }
    }
  }
}
