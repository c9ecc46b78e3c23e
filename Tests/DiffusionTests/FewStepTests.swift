import AttentionTrace
import Diffusion
import Testing

@Suite("Schedules of runs of a few steps")
struct FewStepTests {
  private static func plan(
    _ method: any Method, steps: Int, scheduler: String = "ddim"
  ) throws -> PlannedRun {
    let path = TemporaryCheckpoint.fixtures + "/sharded"
    var request = RunRequest(
      "a mouse and a red car", seed: 5, method: method, subjects: ["mouse", "car"])
    (request.steps, request.scheduler) = (steps, scheduler)
    (request.grid, request.recording) = (Grid(rows: 8, columns: 8), nil)
    return try StableDiffusion(Checkpoint(path)).plan(request)
  }

  @Test(
    "Attend-and-Excite alters the first half; thresholds stand at 0, 20 and 40 %, merged where equal",
    arguments: [
      (1, 1, [0: 0.8]), (2, 1, [0: 0.8]), (3, 1, [0: 0.5, 1: 0.8]), (4, 2, [0: 0.5, 1: 0.8]),
      (5, 2, [0: 0.05, 1: 0.5, 2: 0.8]), (8, 4, [0: 0.05, 1: 0.5, 3: 0.8]),
      (50, 25, [0: 0.05, 10: 0.5, 20: 0.8]),
    ] as [(Int, Int, [Int: Double])])
  func attendAndExcite(_ steps: Int, _ altered: Int, _ thresholds: [Int: Double]) throws {
    let method = try Self.plan(AttendAndExcite(), steps: steps).request.method
    #expect(method.alteredSteps == altered && method.thresholds == thresholds)
  }

  @Test("An iteration is an entry of the timesteps: two for each step of Heun but the last")
  func evaluations() throws {
    let plan = try Self.plan(AttendAndExcite(), steps: 4, scheduler: "heun")
    #expect(plan.timesteps.count == 7)
    #expect(plan.request.method.alteredSteps == 3)
    #expect(plan.request.method.thresholds == [0: 0.05, 1: 0.5, 2: 0.8])
  }

  @Test("Every method takes the published shares of its own")
  func others() throws {
    for (method, altered, thresholds) in [
      (EBAMA(), 4, [:]), (AStar(), 1000, [:]), (Conform(), 4, [0: 1, 1: 1, 3: 1]),
      (InitNO(), 4, [1: 1, 3: 1]),
    ] as [(any Method, Int, [Int: Double])] {
      var method = method
      if method.knobTexts["groups"] == nil { try? method.set(["groups": "red car; mouse"]) }
      let planned = try Self.plan(method, steps: 8).request.method
      #expect(planned.alteredSteps == altered, "\(method.name)")
      #expect(planned.thresholds == thresholds, "\(method.name)")
    }
  }

  @Test("STORM begins at the second iteration, in a run of two steps too, and says so")
  func storm() throws {
    let plan = try Self.plan(Storm(), steps: 2)
    #expect(plan.request.method.alteredSteps == 2 && plan.request.method.thresholds == [1: 0.999])
    let notes = plan.request.method.notes(for: plan).map(\.text)
    #expect(
      notes.first
        == "storm: the latent is altered in the iterations 1 to 1 of 0 to 1, targets are 0.999 at iteration 1"
    )
    let single = try Self.plan(Storm(), steps: 1)
    let note = single.request.method.notes(for: single).first?.text
    #expect(note == "storm: the latent is altered in none of 1 iterations")
  }

  @Test("What is given holds as it is, and what it comes to is said")
  func given() throws {
    var method = AttendAndExcite()
    try method.set(["max-iter-to-alter": "25", "thresholds": "0=0.05,2=0.5"])
    let plan = try Self.plan(method, steps: 4)
    #expect(plan.request.method.alteredSteps == 25)
    #expect(plan.request.method.thresholds == [0: 0.05, 2: 0.5])
    #expect(
      plan.request.method.notes(for: plan).map(\.text) == [
        "attend-and-excite: the latent is altered in the first 4 of 4 iterations, targets are "
          + "0.05 at iteration 0, 0.5 at iteration 2"
      ])
    let longer = try Self.plan(AttendAndExcite(), steps: 50)
    #expect(longer.request.method.notes(for: longer).isEmpty)
  }

  @Test("A request that leaves the schedule open is stored so, and a plan is not")
  func stored() throws {
    #expect(AttendAndExcite().knobTexts["max-iter-to-alter"] == nil)
    let planned = try Self.plan(AttendAndExcite(), steps: 4).request.method
    #expect(planned.knobTexts["max-iter-to-alter"] == "2")
    #expect(planned.knobTexts["thresholds"] == "0=0.5,1=0.8")
    let knob = AttendAndExcite().knobs.first { $0.name == "max-iter-to-alter" }
    #expect(knob?.standard == "25")
  }
}
