import Diffusion
import Foundation
import TensorEngine
import Testing

@Suite("Schedulers")
struct SchedulerTests {
  /// What diffusers does under one configuration; made by `make_scheduler_goldens.py`.
  struct Golden: Sendable, CustomTestStringConvertible {
    /// The configuration, as JSON.
    let config: String
    let kind: SchedulerKind
    let steps: Int
    let timesteps: [Double]
    let noiseScale: Double
    let trace: [[Float]]

    var testDescription: String { "\(kind), \(steps) steps, \(config)" }

    func scheduler() throws -> any Scheduler {
      try configuration(config, kind).scheduler(steps: steps)
    }
  }

  static func configuration(
    _ config: String, _ kind: SchedulerKind
  ) throws -> SchedulerConfiguration {
    let value = try StrictJSON.parse(Array(config.utf8), file: "config")
    return try SchedulerConfiguration(JSONNode(value, file: "config"), for: kind, .none)
  }

  static let goldens: [Golden] = {
    let path = TemporaryCheckpoint.fixtures + "/schedulers/schedulers.json"
    guard let data = FileManager.default.contents(atPath: path),
      let cases = try? JSONSerialization.jsonObject(with: data) as? [[String: Any]]
    else { return [] }
    return cases.compactMap { item -> Golden? in
      guard let config = item["config"] as? [String: Any], let steps = item["steps"] as? Int,
        let timesteps = item["timesteps"] as? [Double],
        let text = try? JSONSerialization.data(withJSONObject: config, options: .sortedKeys)
      else { return nil }
      guard let name = config["_class_name"] as? String, let kind = SchedulerKind(className: name)
      else { return nil }
      return Golden(
        config: String(decoding: text, as: UTF8.self), kind: kind, steps: steps,
        timesteps: timesteps, noiseScale: item["init_noise_sigma"] as? Double ?? 0,
        trace: (item["trace"] as? [[Double]] ?? []).map { $0.map(Float.init) })
    }
  }()

  @Test("The goldens are there")
  func goldensAreThere() { #expect(Self.goldens.count == 91) }

  @Test("Times and samples are those of diffusers", arguments: goldens)
  func golden(_ golden: Golden) throws {
    var scheduler = try golden.scheduler()
    for (time, expected) in zip(scheduler.timesteps, golden.timesteps) {
      #expect(abs(time - expected) <= 1e-4)
    }
    #expect(scheduler.timesteps.count == golden.timesteps.count)
    #expect(abs(Double(scheduler.initialNoiseScale) - golden.noiseScale) <= 1e-5)
    guard !golden.trace.isEmpty else { return }
    var sample = Tensor(golden.trace[0], shape: [1, golden.trace[0].count, 1, 1])
    var source = TorchRandomSource(seed: 7)
    _ = source.normal(count: sample.count)
    for index in scheduler.timesteps.indices {
      let input = scheduler.scaledInput(sample, at: index)
      let output = Tensor(
        input.values.map { sin(3 * $0) * 0.5 + 0.1 * Float(index) }, shape: input.shape)
      let fresh = scheduler.drawsNoise(at: index) ? source.normal(shape: sample.shape) : nil
      sample = scheduler.step(output, at: index, sample, noise: fresh)
      for (value, expected) in zip(sample.values, golden.trace[index + 1]) {
        #expect(abs(value - expected) <= 2e-5 * max(1, abs(expected)), "iteration \(index)")
      }
    }
  }

  @Test("PNDM visits its second time twice: 51 iterations for 50 steps")
  func duplicate() throws {
    let times = try Self.configuration(
      #"{"skip_prk_steps": true, "steps_offset": 1}"#, .pndm
    ).scheduler(steps: 50).timesteps
    #expect(times.count == 51)
    #expect(Array(times.prefix(5)) == [981, 961, 961, 941, 921])
    #expect((times[10], times[20], times[24], times[50]) == (801, 601, 521, 1))
  }

  @Test("PNDM starts again from its first sample: a change of the second is thrown away")
  func secondSampleIsDiscarded() throws {
    let configuration = try Self.configuration(
      #"{"skip_prk_steps": true, "steps_offset": 1}"#, .pndm)
    let first = Tensor([0.3, -1.2, 0.7], shape: [1, 3, 1, 1])
    let outputs = (0..<3).map { Tensor([0.1, 0.4 * Float($0), -0.2], shape: [1, 3, 1, 1]) }
    func run(_ edited: Int?) throws -> [[Float]] {
      var scheduler = try configuration.scheduler(steps: 10)
      var sample = first
      return (0..<3).map { index in
        if index == edited { sample = sample.affine(scale: 1, offset: 5) }
        sample = scheduler.step(outputs[index], at: index, sample)
        return sample.values
      }
    }
    let plain = try run(nil)
    #expect(try run(1) == plain)
    #expect(try run(0)[1] != plain[1])
    #expect(try run(2)[2] != plain[2])
  }

  @Test("Without noise left to predict DDIM's last step gives the clean sample")
  func lastStep() throws {
    var scheduler = try Self.configuration(
      #"{"prediction_type": "sample", "clip_sample": false}"#, .ddim
    ).scheduler(steps: 4)
    let clean = Tensor([0.25, -2], shape: [1, 2, 1, 1])
    let sample = Tensor([0.5, 0.125], shape: [1, 2, 1, 1])
    #expect(scheduler.step(clean, at: 3, sample).values == clean.values)
  }

  @Test("A number of steps that cannot be is refused", arguments: SchedulerKind.allCases)
  func impossibleSteps(_ kind: SchedulerKind) throws {
    let configuration = try Self.configuration("{}", kind)
    for steps in [Int.min, -1, 0, 1001, .max] {
      #expect(throws: DiffusionError.self) { try configuration.scheduler(steps: steps) }
    }
    if kind == .pndm {
      for steps in 1...3 {
        #expect(throws: DiffusionError.self) { try configuration.scheduler(steps: steps) }
      }
    }
  }

  @Test("Every number of steps that can be runs", arguments: SchedulerKind.allCases)
  func everySteps(_ kind: SchedulerKind) throws {
    for spacing in SchedulerConfiguration.Spacing.allCases {
      let configuration = try Self.configuration(
        #"""
        {"num_train_timesteps": 40, "skip_prk_steps": true, "steps_offset": 1,
         "original_inference_steps": 40, "timestep_spacing": "\#(spacing.rawValue)"}
        """#, kind)
      for steps in 1...40 {
        guard var scheduler = try? configuration.scheduler(steps: steps) else {
          // Only methods that divide by the distance of two levels refuse, and only where times meet.
          let divides = kind == .lms || kind.className.contains("DPMSolver") || kind == .uniPC
          #expect(divides && steps > 30, "\(steps) steps, \(spacing)")
          continue
        }
        var sample = Tensor([0.5], shape: [1, 1, 1, 1])
        for index in scheduler.timesteps.indices {
          let fresh = scheduler.drawsNoise(at: index) ? sample : nil
          sample = scheduler.step(sample.affine(scale: 0.5), at: index, sample, noise: fresh)
        }
        #expect(sample.isFinite, "\(steps) steps, \(spacing)")
      }
    }
  }
}

extension Scheduler {
  /// A step of a scheduler that draws no noise.
  mutating func step(_ output: Tensor, at index: Int, _ sample: Tensor) -> Tensor {
    step(output, at: index, sample, noise: nil)
  }
}
