internal import AttentionTrace
private import Foundation
internal import PromptText
internal import TensorEngine

/// Computes every tensor that a checkpoint's golden file names, and says how far each is off.
///
/// The names and their recipes are those of the fixtures' generating script: text embeddings, UNet
/// passes, cross-attention maps, Attend-and-Excite's scores, loss and gradient under both rules,
/// the autoencoder, random numbers, scheduler traces, and whole runs.
package struct CheckpointVerification {
  /// How one tensor compares.
  package struct Line: Sendable {
    /// What came of it.
    package enum Outcome: String, Sendable {
      /// Within tolerance.
      case passed = "ok"
      /// Of a run that amplifies a disturbance of its noise beyond ``CheckpointVerification/mostAmplified``,
      /// and off by no more than such disturbances move it.
      case illConditioned = "ok (ill-conditioned)"
      /// Out of tolerance.
      case failed = "FAILED"
      /// Given to the computation, not computed by it.
      case input
      /// Of a kind that Heed does not compute yet; no failure.
      case notYet = "not yet"
      /// A name without a recipe; a failure.
      case unknown = "UNKNOWN"
    }

    /// The tensor's name.
    package let name: String
    /// What came of it.
    package let outcome: Outcome
    /// The largest absolute difference.
    package let error: Double
    /// The error over what it is measured against: the tensor's range, or 1 for losses.
    package let relativeError: Double
    /// The largest relative error that passes.
    package let tolerance: Double
    /// How many times as far as a disturbance of its noise a whole run's latent moves, over its range;
    /// `nil` where that was not measured.
    package var amplification: Double?

    /// The same error under another tolerance.
    func judged(_ outcome: Outcome, allowing tolerance: Double) -> Line {
      Line(
        name: name, outcome: relativeError <= tolerance ? outcome : .failed, error: error,
        relativeError: relativeError, tolerance: tolerance, amplification: amplification)
    }
  }

  let checkpoint: Checkpoint
  let golden: GoldenFile
  let tolerance: Double
  /// Whether the condition of every run is measured, or only that of runs that are out of tolerance.
  let measuresCondition: Bool
  let encoders: TextEncoders
  var tokenizer: CLIPTokenizer { encoders.tokenizer }
  let unet: UNet
  let vae: VAE
  /// Embeddings of the golden prompts and of the empty one; of no text for SDXL where it takes zeros for it.
  let embeddings: PromptEmbedding
  let latent: Tensor
  let sites: [AttentionSite]
  private var taps: [Int: AttentionTap] = [:]
  private var probes: [String: LossProbe] = [:]
  var runs: [String: Run] = [:]
  var shaken: [String: [Run]] = [:]

  /// Tolerance of losses and scores, which live in 0…1: absolute.
  static let lossTolerance = 1e-3

  /// Opens a checkpoint with its golden files.
  ///
  /// - Parameters:
  ///   - checkpoint: what is verified; `golden.json` lies in its folder, or beside a single file.
  ///   - tolerance: the largest error that passes, relative to a tensor's own range.
  ///   - measuresCondition: whether every run is repeated from disturbed noise, or only those that are
  ///     out of tolerance.
  /// - Throws: ``DiffusionError``, `FileError` or `TextError` when something of it cannot be read.
  package init(
    _ checkpoint: Checkpoint, tolerance: Double = 2e-4, measuresCondition: Bool = false
  ) throws {
    self.checkpoint = checkpoint
    self.measuresCondition = measuresCondition
    self.tolerance = tolerance
    let encoders = try checkpoint.makeTextEncoders()
    self.encoders = encoders
    golden = try GoldenFile(folder: Checkpoint.folder(of: checkpoint.path)) {
      encoders.tokenizer.encode($0).end
    }
    vae = try checkpoint.makeVAE()
    let size = ImageSize(
      width: golden.latent.columns * vae.configuration.factor,
      height: golden.latent.rows * vae.configuration.factor)
    unet = try checkpoint.makeUNet().conditioned(
      on: SizeConditioning(original: size, crop: .none, target: size))
    let texts = try (golden.prompts + [""]).map { prompt in
      let embedding = try encoders.embedding(of: encoders.tokenizer.encode(prompt))
      return prompt.isEmpty && checkpoint.zeroesAbsentText ? embedding.zeros : embedding
    }
    embeddings = .stacked(texts)
    var source = TorchRandomSource(seed: 5)
    latent = source.normal(shape: [1, 4, golden.latent.rows, golden.latent.columns])
    sites = unet.sites(
      rows: golden.latent.rows, columns: golden.latent.columns, tokens: encoders.tokenizer.window)
  }

  /// Opens the checkpoint at a path, as it is.
  /// - Throws: as ``init(_:tolerance:)``.
  package init(
    folder: String, tolerance: Double = 2e-4, measuresCondition: Bool = false
  ) throws {
    try self.init(
      Checkpoint(folder), tolerance: tolerance, measuresCondition: measuresCondition)
  }

  /// The names to verify, in the golden file's order.
  package var names: [String] {
    golden.names + (golden.losses.isEmpty ? [] : ["e2e.ae.losses"])
      + golden.images.filter { !$0.losses.isEmpty }.map { $0.name + ".losses" }
  }

  /// Computes the tensor `name` and compares it.
  /// - Throws: what the models throw.
  package mutating func verify(_ name: String) throws -> Line {
    let parts = name.split(separator: ".").map(String.init)
    switch parts.first {
    case "text": return try verifyText(name)
    case "unet": return try verifyUNet(name)
    case "cross": return try verifyCross(name)
    case "ae": return try verifyObjective(name, parts)
    case "vae": return try verifyVAE(name)
    case "random": return try verifyRandom(name)
    case "scheduler": return try verifyScheduler(name, parts)
    case "e2e": return try verifyRun(name)
    case "image": return try verifyImage(name)
    default: return unknown(name)
    }
  }
}

// MARK: - Comparison

extension CheckpointVerification.Line {
  /// How a tensor compares whose largest error is `error`, over `range`.
  package init(name: String, error: Double, range: Double, tolerance: Double) {
    let relative = range > 0 ? error / range : error
    self.init(
      name: name, outcome: relative <= tolerance ? .passed : .failed, error: error,
      relativeError: relative, tolerance: tolerance)
  }

  /// A tensor that is given.
  package static func input(_ name: String) -> Self {
    Self(name: name, outcome: .input, error: .nan, relativeError: .nan, tolerance: .nan)
  }

  /// A name without a recipe.
  package static func unknown(_ name: String) -> Self {
    Self(name: name, outcome: .unknown, error: .nan, relativeError: .nan, tolerance: .nan)
  }
}

extension CheckpointVerification {
  func unknown(_ name: String) -> Line {
    Line(name: name, outcome: .unknown, error: .nan, relativeError: .nan, tolerance: tolerance)
  }

  /// Compares with the golden tensor, relative to its range; losses absolutely.
  func line(_ name: String, _ got: Tensor, isLoss: Bool = false) throws -> Line {
    let expected = try golden.tensors.tensor(name)
    return line(name, got.values, expected.values, isLoss: isLoss)
  }

  func line(
    _ name: String, _ got: [Float], _ expected: [Float], isLoss: Bool = false
  ) -> Line {
    let limit = isLoss ? Self.lossTolerance : tolerance
    guard got.count == expected.count, let low = expected.min(), let high = expected.max() else {
      return Line(
        name: name, outcome: .failed, error: .infinity, relativeError: .infinity, tolerance: limit)
    }
    // `max` would lose a NaN: a difference that does not compare is the worst there is.
    let error = zip(got, expected).reduce(0.0) { worst, pair in
      let difference = abs(Double(pair.0) - Double(pair.1))
      return difference <= worst ? worst : difference
    }
    let range = high > low ? Double(high) - Double(low) : max(abs(Double(high)), 1e-12)
    let relative = isLoss ? error : error / range
    return Line(
      name: name, outcome: relative <= limit ? .passed : .failed, error: error,
      relativeError: relative, tolerance: limit)
  }

  func row(_ index: Int) -> PromptEmbedding { embeddings.text(index) }
}

// MARK: - Parts

extension CheckpointVerification {
  private func verifyText(_ name: String) throws -> Line {
    switch name {
    case "text.ids":
      let ids = (golden.prompts + [""]).flatMap { tokenizer.encode($0).tokens.map(\.id) }
      let same = ids == (try golden.tensors.integers(name))
      return Line(
        name: name, outcome: same ? .passed : .failed, error: same ? 0 : 1,
        relativeError: same ? 0 : 1, tolerance: 0)
    case "text.embeddings": return try line(name, embeddings.tokens)
    case "text.pooled":
      guard let pooled = embeddings.pooled else { return unknown(name) }
      return try line(name, pooled)
    default: return unknown(name)
    }
  }

  private func verifyUNet(_ name: String) throws -> Line {
    if name == "unet.latent" { return try line(name, latent) }
    guard name.hasPrefix("unet.noise.t"), let time = Double(name.dropFirst(12)) else {
      return unknown(name)
    }
    let noise = try unet(
      .concatenated([latent, latent], axis: 0), timestep: time,
      text: .stacked([row(golden.prompts.count), row(0)]),
      tap: AttentionTap(pass: pass))
    return try line(name, noise)
  }

  private var pass: AttentionPass {
    AttentionPass(step: 0, timestep: 500, phase: .denoise, branches: [.conditional])
  }

  private mutating func maps(of prompt: Int) throws -> AttentionTap {
    if let tap = taps[prompt] { return tap }
    let tap = AttentionTap(
      pass: pass, sites: sites.filter { $0.kind == .cross }.map(\.path))
    _ = try unet(latent, timestep: 500, text: row(prompt), tap: tap)
    taps[prompt] = tap
    return tap
  }

  private mutating func verifyCross(_ name: String) throws -> Line {
    guard let maps = try maps(of: 0).maps[String(name.dropFirst(6))] else { return unknown(name) }
    let heads = maps.reshaped(Array(maps.shape.dropFirst()))  // [head, pixel, token]
    let expected = try golden.tensors.tensor(name)
    return try line(name, expected.rank == 2 ? heads.meanOverFirstAxis : heads)
  }

  private mutating func verifyObjective(_ name: String, _ parts: [String]) throws -> Line {
    guard parts.count > 2, let prompt = Int(parts[1].dropFirst()),
      golden.prompts.indices.contains(prompt)
    else {
      return unknown(name)
    }
    if parts.count == 3, parts[2] == "aggregate" {
      let objective = try excitation(tokens: [1], end: nil, smooth: true)
      let tap = try maps(of: prompt)
      let average = PassMaps.average(
        try objective.sites(among: sites).compactMap { tap.maps[$0.path] })
      return try line(name, average)
    }
    guard parts.count == 5 else { return unknown(name) }
    let key = parts[1...3].joined(separator: ".")
    let end = parts[2] == "eot" ? tokenizer.encode(golden.prompts[prompt]).end : nil
    let objective = try excitation(
      tokens: golden.tokenIndices[prompt], end: end, smooth: parts[3] == "smooth")
    let probe = try probes[key] ?? probe(objective, prompt)
    probes[key] = probe
    switch parts[4] {
    case "maxima":
      let scores = probe.measurement.scores
      return try line(name, Tensor(scores, shape: [scores.count]), isLoss: true)
    case "loss":
      return try line(name, Tensor([probe.measurement.loss], shape: [1]), isLoss: true)
    case "gradient": return try gradientLine(name, probe)
    default: return unknown(name)
    }
  }

  /// A loss is 1 less a softmax: near 0 only a few of its digits are left after the rounding of the
  /// softmax, in the golden tensor as well as here, and the gradient is in proportion to the loss.
  private func gradientLine(_ name: String, _ probe: LossProbe) throws -> Line {
    let strict = try line(name, probe.gradient())
    let rounding = Self.spreadMargin * Double(Float.ulpOfOne / probe.measurement.loss)
    guard strict.outcome == .failed, rounding > tolerance else { return strict }
    return strict.judged(.illConditioned, allowing: rounding)
  }

  private func probe(_ objective: AttendAndExcite.Loss, _ prompt: Int) throws -> LossProbe {
    let sites = try objective.sites(among: self.sites)
    return try LossProbe(
      of: objective, at: latent, unet: unet, timestep: 500,
      tap: AttentionTap(pass: pass, sites: sites.map(\.path), endsEarly: true), sites: sites
    ) { ($0, row(prompt)) }
  }

  /// The objective over `tokens`; `end` is the first token left out of the renormalisation, the
  /// window's last one under the rule of SD 1.x.
  func excitation(tokens: [Int], end: Int?, smooth: Bool) throws -> AttendAndExcite.Loss {
    AttendAndExcite.Loss(
      subjects: tokens.map { Subject(name: "@\($0)", tokens: [$0]) }, grid: golden.grid,
      pieces: .standard, lastToken: end ?? tokenizer.window - 1,
      sigma: smooth ? 0.5 : nil, kernelSize: 3)
  }

  private func verifyVAE(_ name: String) throws -> Line {
    switch name {
    case "vae.image":
      return Line(name: name, outcome: .input, error: 0, relativeError: 0, tolerance: tolerance)
    case "vae.decoded": return try line(name, try vae.decode(latent))
    case "vae.mean": return try line(name, encoded().mean)
    case "vae.logvar": return try line(name, encoded().logVariance)
    default: return unknown(name)
    }
  }

  private func encoded() throws -> (mean: Tensor, logVariance: Tensor) {
    let image = try golden.tensors.tensor("vae.image")
    let (shape, factor) = (image.shape, vae.configuration.factor)
    guard shape.count == 4, shape[0] == 1, shape[1] == vae.configuration.imageChannels,
      shape[2...].allSatisfy({ $0 > 0 && $0 % factor == 0 })
    else {
      throw DiffusionError.invalidRequest(
        what: "vae.image's shape", got: "\(shape)",
        expected: "[1, 3, rows, columns], both multiples of \(factor)")
    }
    return try vae.encode(image)
  }

  private func verifyRandom(_ name: String) throws -> Line {
    let prefix = "random.torch_cpu."
    let shape = name.dropFirst(prefix.count).split(separator: "x").compactMap { Int($0) }
    guard name.hasPrefix(prefix), shape.count == 4, shape.allSatisfy(GoldenFile.sides.contains),
      shape.reduce(1, *) <= 1 << 26
    else { return unknown(name) }
    var source = TorchRandomSource(seed: 42)
    let corner = source.normal(shape: shape).sliced(axis: 2, 0..<min(8, shape[2]))
      .sliced(axis: 3, 0..<min(8, shape[3]))
    return try line(name, corner)
  }
}
