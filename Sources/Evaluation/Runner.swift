public import AttentionTrace
public import Diffusion
internal import Foundation
internal import Pictures
internal import TensorEngine

/// Makes runs into folders: recorded, resumable, each with picture, latent and losses.
///
/// A run that is complete in its folder is not made again; one that was interrupted is resumed.
public struct Runner: Sendable {
  /// What happens while a run is made.
  public enum Event: Sendable {
    /// The run was complete already.
    case found
    /// What to know of the run's folder, in one line: its file system has no locks.
    case noted(String)
    /// The run was resumed after this many iterations.
    case resumed(iterations: Int)
    /// An iteration was made.
    case step(DenoisingStep)
    /// The run is complete.
    case finished(seconds: Double)
  }

  /// The model that makes them.
  public let model: StableDiffusion
  /// What a recording survives.
  public var durability = Durability.process
  /// Whether each run is packed when it is complete; see `RunPack`.
  public var packs = false
  /// What `run.json` gives as the command that made the run; empty for none.
  package var commandLine: [String] = []
  /// Is called after each pass of the UNet, and may throw to stop the run where it can be resumed;
  /// without one of your own, a cancelled task stops it.
  public var check: @Sendable () throws -> Void = { try Task.checkCancellation() }

  /// A runner of a model's runs.
  public init(_ model: StableDiffusion) { self.model = model }

  /// Makes the run of a request, or what is missing of it, in its folder below `root`.
  ///
  /// - Parameters:
  ///   - request: what is wanted.
  ///   - root: the folder for the folders of runs; it is made if it is missing.
  ///   - onStep: is told of every iteration that is made; what it throws stops the run where it can be
  ///     resumed.
  /// - Throws: `DiffusionError`, `TextError`, `TraceError` or `FileError` when the run cannot be made.
  @discardableResult
  public func run(
    _ request: RunRequest, in root: String, onStep: (DenoisingStep) throws -> Void = { _ in }
  ) throws -> RecordedRun {
    try run(model.plan(request), in: root) { event in
      if case .step(let step) = event { try onStep(step) }
    }
  }

  /// Makes a planned run, or what is missing of it, in its folder below `root`.
  /// - Throws: as ``run(_:in:onStep:)``.
  @discardableResult
  public func run(
    _ planned: PlannedRun, in root: String, onEvent: (Event) throws -> Void
  ) throws -> RecordedRun {
    let folder = planned.folder(in: root)
    let manifest = try planned.manifest(provenance)
    let place = FreshFolder(folder.path)
    switch try place.undoing({ try RunWriter.open(folder, for: manifest) }) {
    case .complete: try onEvent(.found)
    case .fresh(let writer):
      let run = try place.undoing {
        if let notice = writer.lockNotice { try onEvent(.noted(notice)) }
        return try begun(planned, writer, from: nil)
      }
      do { try make(run, onEvent) } catch {
        // Of a run without a call there is nothing to resume.
        if run.calls.value == 0 { place.remove() }
        throw error
      }
    case .resumable(let writer):
      if let notice = writer.lockNotice { try onEvent(.noted(notice)) }
      let hasState = FileManager.default.fileExists(atPath: folder.state)
      let state = hasState ? try RunState(path: folder.state, within: folder.path) : nil
      try make(try begun(planned, writer, from: state), onEvent)
    }
    if packs { _ = try RunPack(folder.path).pack() }
    return try RecordedRun(folder.path)
  }

  private var provenance: RunProvenance {
    RunProvenance(
      version: HeedVersion.current, date: ISO8601DateFormatter().string(from: Date()),
      host: ProcessInfo.processInfo.hostName, instructionSet: InstructionSet.current.rawValue,
      commandLine: commandLine)
  }

  /// A run that is ready to take its next step.
  private struct Begun {
    let planned: PlannedRun
    let writer: RunWriter
    let state: RunState?
    let recorder: AttentionRecorder
    let sequence: DenoisingSequence
    let calls: CallCount
  }

  /// The calls that a run has acknowledged.
  private final class CallCount {
    var value: Int
    init(_ value: Int) { self.value = value }
  }

  private func begun(
    _ planned: PlannedRun, _ writer: RunWriter, from state: RunState?
  ) throws -> Begun {
    let recorder = try AttentionRecorder(
      in: writer, sites: planned.sites,
      capacity: planned.passes.reduce(0) { $0 + $1.branches.count }, keeping: state?.calls ?? 0,
      durability: durability)
    let calls = CallCount(state?.calls ?? 0)
    var sequence = try planned.sequence(observers: [recorder]) { pass, measurement in
      try recorder.acknowledge(pass, measurement: measurement)
      calls.value += pass.branches.count
      try check()
    }
    if let state { try sequence.resume(from: state.tensors) }
    return Begun(
      planned: planned, writer: writer, state: state, recorder: recorder, sequence: sequence,
      calls: calls)
  }

  private func make(_ run: Begun, _ onEvent: (Event) throws -> Void) throws {
    let (planned, writer, state, recorder) = (run.planned, run.writer, run.state, run.recorder)
    var sequence = run.sequence
    if state != nil { try onEvent(.resumed(iterations: sequence.index)) }
    let clock = ContinuousClock()
    let start = clock.now
    var decoding = Duration.zero
    func elapsed() -> Double {
      (state?.seconds ?? 0) + (clock.now - start - decoding) / .seconds(1)
    }
    do {
      while let step = try sequence.next() {
        // A run that is resumed after the step does not make its picture again.
        decoding += try clock.measure {
          guard let preview = try planned.preview(of: step) else { return }
          try writer.writePreview(
            preview.encoded(), ofStep: step.index, durability: durability)
        }
        let state = RunState(
          tensors: sequence.state, calls: run.calls.value, seconds: elapsed())
        recorder.afterwards { [path = writer.folder.state] in try state.write(to: path) }
        try onEvent(.step(step))
      }
    } catch {
      // What was acknowledged before must reach the disk, whatever ended the run.
      try recorder.flush()
      throw error
    }
    try recorder.close()
    let seconds = elapsed()
    try finish(planned, writer, sequence, seconds: seconds)
    try onEvent(.finished(seconds: seconds))
  }

  /// Writes what a complete run holds, the manifest last.
  private func finish(
    _ planned: PlannedRun, _ writer: RunWriter, _ sequence: DenoisingSequence, seconds: Double
  ) throws {
    let (folder, latent) = (writer.folder, sequence.latent)
    try NumpyFile.write(latent, to: folder.latent)
    try Picture(
      width: planned.size.width, height: planned.size.height, pixels: planned.pixels(latent)
    ).write(to: folder.image, text: [("parameters", Self.parameters(planned))])
    try writer.writeLosses()
    try writer.complete(seconds: seconds, passes: sequence.passes)
    try? FileManager.default.removeItem(atPath: folder.state)
  }

  /// The settings in the form that image viewers of the field read.
  private static func parameters(_ planned: PlannedRun) -> String {
    let request = planned.request
    var lines = [request.prompt]
    if !request.negativePrompt.isEmpty {
      lines.append("Negative prompt: " + request.negativePrompt)
    }
    lines.append(
      "Steps: \(request.steps), CFG scale: \(request.guidanceScale), Seed: \(request.seed), "
        + "RNG: \(request.rng.rawValue), Size: \(planned.size), "
        + "Model: \(planned.model.checkpoint.name), Method: \(planned.methodName), "
        + "Version: Heed \(HeedVersion.current)")
    if let picture = request.picture {
      let isExplained = request.method is PictureExplanation
      lines.append(
        "Picture: \(picture.sha256)"
          + (isExplained ? "" : ", Denoising strength: \(picture.strength)"))
    }
    return lines.joined(separator: "\n")
  }
}
