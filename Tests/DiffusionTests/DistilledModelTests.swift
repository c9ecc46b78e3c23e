import AttentionTrace
import Diffusion
import TensorEngine
import Testing

@Suite("Distilled models")
struct DistilledModelTests {
  private static let models = ["distilled", "consistency"]

  private static func path(_ name: String) -> String {
    TemporaryCheckpoint.fixtures + "/" + name
  }

  private static func request(_ name: String) -> RunRequest {
    var request = RunRequest("a mouse and a red car", seed: 5, subjects: [])
    request.steps = name == "distilled" ? 6 : 4
    request.recording = nil
    return request
  }

  private func latent(_ name: String, _ request: RunRequest) throws -> Tensor {
    let model = try StableDiffusion(Checkpoint(Self.path(name)))
    var sequence = try model.sequence(request)
    while try sequence.next() != nil {}
    return sequence.latent
  }

  private func expectClose(_ latent: Tensor, _ name: String, _ key: String) throws {
    let file = try SafetensorsFile(path: Self.path(name) + "/golden.safetensors")
    let expected = try file.tensor(key).values
    let range = try #require(expected.max()) - (try #require(expected.min()))
    #expect(latent.count == expected.count)
    for (value, wanted) in zip(latent.values, expected) {
      #expect(abs(value - wanted) <= 2e-4 * range)
    }
  }

  @Test("Every tensor is what diffusers computes with the folder", arguments: models)
  func verified(_ name: String) throws {
    var verification = try CheckpointVerification(folder: Self.path(name))
    #expect(verification.names.count == 3)
    for tensor in verification.names {
      let line = try verification.verify(tensor)
      #expect(line.outcome == .passed, "\(tensor): \(line.relativeError)")
    }
  }

  @Test("A run has the latent of diffusers' pipeline", arguments: models)
  func latent(_ name: String) throws {
    try expectClose(latent(name, Self.request(name)), name, "e2e.sd.latent")
  }

  @Test("A rescaled guidance has the latent of diffusers' pipeline", arguments: models)
  func rescaled(_ name: String) throws {
    var request = Self.request(name)
    request.guidanceRescale = 0.7
    try expectClose(latent(name, request), name, "rescaled.latent")
  }

  @Test("A UNet without a middle block has no sites there")
  func middle() throws {
    let checkpoint = try Checkpoint(Self.path("distilled"))
    let sites = try checkpoint.makeUNet().sites(rows: 16, columns: 16, tokens: 77)
    #expect(!sites.isEmpty && sites.allSatisfy { !$0.path.hasPrefix("mid_block") })
  }

  @Test("The scheduler is the one that model_index.json names, under the configuration's keys")
  func schedulerClass() throws {
    let checkpoint = try Checkpoint(Self.path("distilled"))
    #expect(try checkpoint.schedulerKind() == .euler)
    #expect(checkpoint.schedule.settings["use_karras_sigmas"] == "true")
    #expect(checkpoint.schedule.settings["timestep_spacing"] == "trailing")
    let copy = try TemporaryCheckpoint(of: "distilled")
    try copy.set("scheduler", "[null, null]", in: "model_index.json")
    #expect(try Checkpoint(copy.path).schedulerKind() == .dpmSolver)
    try copy.set("scheduler", #"["diffusers", "DPMSolverSDEScheduler"]"#, in: "model_index.json")
    let error = #expect(throws: DiffusionError.self) { try Checkpoint(copy.path).schedulerKind() }
    let message = error?.description ?? ""
    #expect(message.contains("DPMSolverSDEScheduler") && message.contains("Brownian tree"))
  }

  @Test("A UNet that is told the weight of guidance makes one pass an iteration, for the prompt")
  func embeddedGuidance() throws {
    let model = try StableDiffusion(Checkpoint(Self.path("consistency")))
    let plan = try model.plan(Self.request("consistency"))
    #expect(plan.passes.allSatisfy { $0.branches == [.conditional] })
    #expect(plan.texts.map(\.role) == [.prompt])
    var other = Self.request("consistency")
    other.guidanceScale = 3
    let latents = try [Self.request("consistency"), other].map { try latent("consistency", $0) }
    #expect(latents[0].values != latents[1].values)
  }

  @Test("The size of files that early versions saved is 64 at least, as in diffusers, and is said")
  func earlySize() throws {
    let copy = try TemporaryCheckpoint(of: "distilled")
    for (version, side) in [("0.2.2", 64), ("0.8.1", 64), ("0.9.0", 16), ("0.42.1", 16)] {
      try copy.set("_diffusers_version", "\"\(version)\"", in: "unet/config.json")
      let checkpoint = try Checkpoint(copy.path)
      #expect(checkpoint.unetConfiguration.sampleRows == side)
      #expect(checkpoint.notes.contains { $0.contains("sample_size") } == (side == 64))
    }
  }

  @Test("What a scheduler lacks is refused with the names of those that have it")
  func refused() throws {
    let model = try StableDiffusion(Checkpoint(Self.path("distilled")))
    func message(_ edit: (inout RunRequest) -> Void) -> String {
      var request = Self.request("distilled")
      edit(&request)
      return #expect(throws: DiffusionError.self) { try model.plan(request) }?.description ?? ""
    }
    #expect(
      message { ($0.scheduler, $0.sigmas) = ("ddim", .karras) }.contains("with ddim; it is for lms")
    )
    #expect(message { $0.eta = 0.5 }.contains("none with euler"))
    #expect(message { $0.eta = 2 }.contains("0 to 1"))
    #expect(message { $0.guidanceRescale = -1 }.contains("0 to 1"))
    #expect(
      message { ($0.scheduler, $0.timestepSpacing) = ("dpmsolver-singlestep", .trailing) }
        .contains("spacing of timesteps"))
  }

  @Test("Zero terminal SNR can be asked for, and needs a prediction that says something there")
  func zeroTerminalSNR() throws {
    var options = CheckpointOptions()
    options.zeroTerminalSNR = true
    let model = try StableDiffusion(Checkpoint(Self.path("distilled"), options))
    var request = Self.request("distilled")
    #expect(try model.plan(request).scheduler["rescale_betas_zero_snr"] == "true")
    request.scheduler = "ddim"
    let error = #expect(throws: DiffusionError.self) { try model.plan(request) }
    #expect(error?.description.contains("v_prediction") == true)
    options.prediction = .velocity
    let other = try StableDiffusion(Checkpoint(Self.path("distilled"), options))
    #expect(try other.plan(request).timesteps[0] == 999)
    request.scheduler = "heun"
    #expect(throws: DiffusionError.self) { try other.plan(request) }
  }
}
