import AttentionTrace
import Diffusion
import Figures
import Foundation
import Pictures
import TensorEngine

/// Makes runs of one checkpoint into folders: recorded, resumable, each with picture and losses.
struct RunSession {
  let model: StableDiffusion
  let root: String
  let durability: Durability
  let hashes: [String: String]
  let date: String

  init(_ checkpoint: Checkpoint, root: String, durability: Durability) throws {
    model = try StableDiffusion(checkpoint)
    self.root = root
    self.durability = durability
    hashes = try checkpoint.hashes()
    date = ISO8601DateFormatter().string(from: Date())
  }

  func folder(_ request: GenerationRequest) -> RunFolder {
    RunFolder(
      root: root, prompt: request.prompt, method: request.method.name, seed: request.seed)
  }

  /// The manifest of a run that is about to begin.
  func manifest(_ request: GenerationRequest, plan: RecordingPlan?) throws -> RunManifest {
    try model.manifest(
      request, plan: plan, hashes: hashes, version: Heed.version,
      commandLine: Array(CommandLine.arguments.dropFirst()), date: date)
  }

  /// Makes a run, or what is missing of it; one that is complete is left alone.
  func run(
    _ request: GenerationRequest, plan: RecordingPlan?, progress: Progress
  ) throws {
    let folder = folder(request)
    let manifest = try manifest(request, plan: plan)
    let name = "\(request.method.name), seed \(request.seed)"
    switch try RunWriter.open(folder, for: manifest) {
    case .complete:
      progress.skip(manifest.timesteps.count)
      progress.finish("\(name): complete in \(folder.path)")
    case .fresh(let writer): try run(request, writer, resuming: nil, name, progress)
    case .resumable(let writer):
      let hasState = FileManager.default.fileExists(atPath: folder.state)
      let state = hasState ? try SafetensorsFile(path: folder.state) : nil
      try run(request, writer, resuming: state, name, progress)
    }
  }

  private func run(
    _ request: GenerationRequest, _ writer: RunWriter, resuming file: SafetensorsFile?,
    _ name: String, _ progress: Progress
  ) throws {
    let resumed = try file.map(ResumeState.init)
    let recorder = try AttentionRecorder(
      in: writer, sites: try model.sites(request),
      capacity: try model.possiblePasses(request).reduce(0) { $0 + $1.branches.count },
      keeping: resumed?.calls ?? 0, durability: durability)
    var calls = resumed?.calls ?? 0
    var sequence = try model.sequence(request, observers: [recorder]) { pass, measurement in
      try recorder.acknowledge(pass, measurement: measurement)
      calls += pass.branches.count
      try Interrupt.check()
    }
    if let resumed {
      try sequence.resume(from: resumed.tensors)
      progress.skip(sequence.index)
    }
    let clock = ContinuousClock()
    let start = clock.now
    func elapsed() -> Double { (resumed?.seconds ?? 0) + (clock.now - start) / .seconds(1) }
    do {
      while let step = try sequence.next() {
        let state = ResumeState(tensors: sequence.state, calls: calls, seconds: elapsed())
        recorder.afterwards { [path = writer.folder.state] in try state.write(to: path) }
        progress.advance(name, loss: step.measurement?.loss)
      }
    } catch {
      // What was acknowledged before must reach the disk, whatever ended the run.
      try recorder.flush()
      throw error
    }
    try recorder.close()
    let seconds = elapsed()
    try finish(request, writer, sequence, seconds: seconds)
    progress.finish(
      String(
        format: "%@: %d %@ in %.1f s → %@", name, sequence.count,
        sequence.count == 1 ? "step" : "steps", seconds, writer.folder.path))
  }

  /// Writes what a complete run holds, the manifest last.
  private func finish(
    _ request: GenerationRequest, _ writer: RunWriter, _ sequence: DenoisingSequence,
    seconds: Double
  ) throws {
    let (folder, latent) = (writer.folder, sequence.latent)
    try NumpyFile.write(latent, to: folder.latent)
    let size = model.size(request)
    try Picture(
      width: size.width, height: size.height, pixels: model.pixels(request, latent)
    ).write(
      to: folder.image, text: [("parameters", parameters(request))])
    try writer.writeLosses()
    try writer.complete(seconds: seconds, passes: sequence.passes)
    try? FileManager.default.removeItem(atPath: folder.state)
  }

  /// The settings in the form that image viewers of the field read.
  private func parameters(_ request: GenerationRequest) -> String {
    var lines = [request.prompt]
    if !request.negativePrompt.isEmpty {
      lines.append("Negative prompt: " + request.negativePrompt)
    }
    let size = model.size(request)
    lines.append(
      "Steps: \(request.steps), CFG scale: \(request.guidanceScale), Seed: \(request.seed), RNG: \(request.rng.rawValue), "
        + "Size: \(size), Model: \(model.checkpoint.name), "
        + "Method: \(request.method.name), Version: Heed \(Heed.version)")
    if let picture = request.picture {
      let isExplained = request.method.explainedTimes != nil
      lines.append(
        "Picture: \(picture.sha256)"
          + (isExplained ? "" : ", Denoising strength: \(request.strength)"))
    }
    return lines.joined(separator: "\n")
  }
}

/// What a run needs to go on: the latent, the scheduler's memory, and how many calls were made.
struct ResumeState: Sendable {
  let tensors: [String: Tensor]
  let calls: Int
  let seconds: Double

  init(tensors: [String: Tensor], calls: Int, seconds: Double) {
    self.tensors = tensors
    self.calls = calls
    self.seconds = seconds
  }

  init(_ file: SafetensorsFile) throws {
    var tensors: [String: Tensor] = [:]
    for name in file.names { tensors[name] = try file.tensor(name) }
    let metadata = Dictionary(
      file.metadata.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
    guard let calls = metadata["calls"].flatMap({ Int($0) }),
      let seconds = metadata["seconds"].flatMap({ Double($0) }), tensors["latent"] != nil
    else {
      throw FileError(
        .malformed, path: file.path,
        reason: "expected the state of a run; remove the run's folder to begin again")
    }
    self.init(tensors: tensors, calls: calls, seconds: seconds)
  }

  func write(to path: String) throws {
    try SafetensorsWriter.write(
      tensors.sorted { $0.key < $1.key }.map { ($0.key, .float32($0.value)) },
      metadata: ["calls": String(calls), "seconds": String(seconds)], to: path)
  }
}
