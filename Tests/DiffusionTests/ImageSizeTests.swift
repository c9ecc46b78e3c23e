import AttentionTrace
import Diffusion
import Foundation
import PromptText
import Synchronization
import TensorEngine
import Testing

@Suite("Sizes of pictures")
struct ImageSizeTests {
  private static let menagerie = Result {
    try StableDiffusion(Checkpoint(Checkpoint.menagerie))
  }

  private func request(_ size: ImageSize?) -> RunRequest {
    var request = RunRequest("a cat and a frog", seed: 0, subjects: ["cat"])
    request.size = size
    return request
  }

  /// The grid in Menagerie's guidance.json is the latent's own, 16×16 at 128 pixels.
  @Test(
    "A checkpoint's own grid stays at its level of the UNet",
    arguments: [
      (nil, Grid(rows: 16, columns: 16)),
      (ImageSize(width: 192, height: 128), Grid(rows: 16, columns: 24)),
      (ImageSize(width: 88, height: 136), Grid(rows: 17, columns: 11)),
    ] as [(ImageSize?, Grid)])
  func trainedGrid(_ example: (size: ImageSize?, grid: Grid)) throws {
    let model = try Self.menagerie.get()
    let run = try model.plan(request(example.size))
    #expect(run.grid == example.grid && run.latentGrid == example.grid)
    #expect((run.parts.objective as? AttendAndExcite.Loss)?.grid == example.grid)
  }

  @Test("Without one it is 1/32 of the picture, where the UNet has it: rounded up at each level")
  func thirtySecond() throws {
    let model = try StableDiffusion(Checkpoint(TemporaryCheckpoint.fixtures + "/tiny-sd1"))
    for width in stride(from: 8, through: 200, by: 8) {
      for height in stride(from: 8, through: 72, by: 8) {
        var request = request(ImageSize(width: width, height: height))
        (request.subjects, request.recording) = ([], nil)
        let run = try model.plan(request)
        let grid = run.grid
        #expect(grid.rows == (height + 31) / 32 && grid.columns == (width + 31) / 32)
        #expect(run.sites.contains { $0.kind == .cross && $0.grid == grid })
      }
    }
  }

  @Test(
    "A size that the autoencoder does not divide, or that cannot be, is refused",
    arguments: [
      ImageSize(width: 500, height: 504), ImageSize(width: 504, height: 500),
      ImageSize(width: 0, height: 8), ImageSize(width: 8, height: -8),
      ImageSize(width: .max, height: .max), ImageSize(width: .min, height: .min),
    ])
  func refused(_ size: ImageSize) throws {
    let model = try Self.menagerie.get()
    #expect(throws: DiffusionError.self) { try model.sequence(request(size)) }
    #expect(throws: DiffusionError.self) { try model.plan(request(size)) }
  }

  @Test("A picture that is not square is what diffusers makes, at grids that are odd")
  func golden() throws {
    let copy = try TemporaryCheckpoint(of: "tiny-sd1")
    for name in ["golden.json", "golden.safetensors"] {
      let path = TemporaryCheckpoint.fixtures + "/sizes/" + name
      try copy.write(Data(contentsOf: URL(fileURLWithPath: path)), to: name)
    }
    var verification = try CheckpointVerification(folder: copy.path)
    #expect(verification.names.count == 10)
    for name in verification.names {
      let line = try verification.verify(name)
      #expect(line.outcome == .passed, "\(name): \(line.error), \(line.relativeError)")
    }
  }

  @Test("Seeds made side by side are a batch of diffusers', and to the bit what each is alone")
  func batch() throws {
    let file = try SafetensorsFile(path: TemporaryCheckpoint.fixtures + "/sizes/batch.safetensors")
    let seeds = try file.integers("seeds").map(UInt64.init)
    let model = try StableDiffusion(Checkpoint(TemporaryCheckpoint.fixtures + "/tiny-sd1"))
    let schedule = GradientSchedule(maxIterations: 4, thresholds: [:])
    let methods: [(String, any Method)] = [
      ("sd", PlainDiffusion()), ("ae", AttendAndExcite(schedule: schedule)),
    ]
    for (name, method) in methods {
      let requests = seeds.map { seed in
        var request = RunRequest(
          "a mouse and a red car", seed: seed, method: method, subjects: ["mouse", "car"])
        request.size = ImageSize(width: 176, height: 80)
        request.steps = 6
        return request
      }
      let together = Mutex<[Int: Tensor]>([:])
      Parallel.sideBySide(requests.count, atATime: 3) { index in
        let latent = try? Self.latent(model, requests[index])
        together.withLock { $0[index] = latent }
      }
      let golden = try file.tensor(name)
      for (index, request) in requests.enumerated() {
        let latent = try Self.latent(model, request)
        #expect(together.withLock { $0[index]?.values } == latent.values)
        let expected = golden.sliced(axis: 0, index..<index + 1).values
        let range = try #require(expected.max()) - #require(expected.min())
        for (value, expected) in zip(latent.values, expected) {
          #expect(abs(value - expected) <= 2e-4 * range)
        }
      }
    }
  }

  /// A run's last latent.
  private static func latent(
    _ model: StableDiffusion, _ request: RunRequest
  ) throws -> Tensor {
    var sequence = try model.sequence(request)
    while try sequence.next() != nil {}
    return sequence.latent
  }

  @Test("The memory a run needs grows with the picture's area, without a trap at the largest")
  func memory() throws {
    let model = try Self.menagerie.get()
    let small = try model.plan(request(ImageSize(width: 512, height: 1024))).workingMemory
    let large = try model.plan(request(ImageSize(width: 2048, height: 1024))).workingMemory
    #expect(large == 4 * small)
    // What decoding keeps at one time in float32: 32 channels of the whole picture.
    #expect(small > 4 * 32 * 512 * 1024)
    let largest = ImageSize(width: 16_384, height: 16_384)
    #expect(try model.plan(request(largest)).workingMemory == 512 * small)
  }

  @Test("A size is read as it is written")
  func text() {
    #expect(ImageSize("768x512") == ImageSize(width: 768, height: 512))
    #expect(ImageSize(width: 768, height: 512).description == "768x512")
    for text in ["", "x", "768", "768x", "x512", "768X512", "768x512x1", "7 68x512"] {
      #expect(ImageSize(text) == nil)
    }
  }
}
