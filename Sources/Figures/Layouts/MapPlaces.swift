internal import Drawing
internal import Pictures

/// The columns of a sheet of maps as they are filled, one after the other.
struct MapPlaces {
  /// What stands in a row of a column.
  struct Place {
    var panel: MapSheet.Panel
    var picture: Picture?
    var boxes: [PictureBox] = []
  }

  private(set) var columns: [MapSheet.Heading] = []
  /// `[row, column]`.
  private(set) var panels: [[MapSheet.Panel]]
  /// `[row, column]` the picture of the run that a panel is of.
  private(set) var pictures: [[Picture?]]
  /// `[row, column]`.
  private(set) var boxes: [[[PictureBox]]]

  init(rows: Int) {
    panels = Array(repeating: [], count: rows)
    pictures = Array(repeating: [], count: rows)
    boxes = Array(repeating: [], count: rows)
  }

  /// Adds a column of maps; `nil` for one that was not recorded.
  mutating func addMaps(_ heading: MapSheet.Heading, _ places: [Place?]) {
    columns.append(heading)
    for (row, place) in places.enumerated() {
      panels[row].append(place?.panel ?? .nothing)
      pictures[row].append(place?.picture)
      boxes[row].append(place?.boxes ?? [])
    }
  }

  /// Adds the column of the runs' pictures that stands before the maps under `heading`; none where no run
  /// has one.
  mutating func addPictures(
    _ heading: MapSheet.Heading, of runs: [(picture: Picture?, boxes: [PictureBox])?]
  ) {
    guard runs.contains(where: { $0?.picture != nil }) else { return }
    var heading = heading
    heading.labels[heading.labels.count - 1] = "picture"
    heading.values[heading.values.count - 1] = ""
    heading.detail = ""
    addMaps(
      heading,
      runs.map { run in
        run.flatMap { run in
          run.picture.map { Place(panel: .picture, picture: $0, boxes: run.boxes) }
        }
      })
  }
}
