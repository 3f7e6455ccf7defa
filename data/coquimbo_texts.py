"""What the embedded study area Coquimbo - La Serena says of itself: English beside Chinese.

Both are made here of the same values. A study area stores the English text, and the Chinese one
as its translation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from shelterplan.sources.population import Breakdown

Pair = tuple[str, str]
"""A text in English and in Chinese."""

TITLE: Pair = ("Coquimbo – La Serena", "科金博－拉塞雷纳")
OSM: Pair = ("© OpenStreetMap contributors, ODbL 1.0", "© OpenStreetMap 贡献者，ODbL 1.0")
AEQUILIBRAE: Pair = (
    "MIT with an added clause, © 2014- AequilibraE Developers",
    "MIT 许可（有附加条款），© 2014- AequilibraE Developers",
)
NO_FILE: Pair = ("none", "无")

BANDS: tuple[Pair, ...] = (("North", "北部"), ("Middle", "中部"), ("South", "南部"))
HALVES: tuple[Pair, ...] = (("west", "西片"), ("east", "东片"))
SHELTER: Pair = ("Illustrative site", "示例地点")
CANDIDATE: Pair = ("Illustrative candidate", "示例候选地点")

STREETS: Pair = (
    "Roads of 2022 or earlier, cut at junctions.",
    "2022 年或更早的道路，在交叉口处断开。",
)
STOPS: Pair = (
    (
        "Bus stops of LISERCO's timetable; letters that were lost are put back where a street name "
        "has them."
    ),
    "LISERCO 时刻表中的公交站；丢失的字母，凡能从街道名称得知的均已补回。",
)
JUNCTIONS: Pair = (
    "Illustrative: street junctions, their capacity and cost by a rule (see the notes).",
    "示例：道路交叉口及其容量和成本均按规则确定（见须知）。",
)
TSUNAMI: Pair = (
    "Illustrative: bands along the western outline of the zones (see the notes). No hazard map.",
    "示例：沿小区西侧外缘划出的条带（见须知），并非灾害图。",
)


def file(layer: str) -> Pair:
    """Name a layer of the source."""
    return (
        f"AequilibraE 1.7.2, coquimbo.zip, layer {layer}",
        f"AequilibraE 1.7.2，coquimbo.zip，图层 {layer}",
    )


def district(band: int, half: int) -> Pair:
    """Name a group of zones; the name says that it is no official district."""
    (north, north_zh), (west, west_zh) = BANDS[band], HALVES[half]
    return f"{north}-{west} (not official)", f"{north_zh}{west_zh}（非官方）"


def zone(number: str, street: str | None) -> Pair:
    """Name a zone by its number and its longest street."""
    if street is None:
        return f"Zone {number}", f"小区 {number}"
    return f"Zone {number}: {street}", f"小区 {number}：{street}"


def site(what: Pair, number: int, street: str) -> Pair:
    """Name a site by its zone's number and the nearest street."""
    return f"{what[0]} {number} (near {street})", f"{what[1]} {number}（{street} 附近）"


def notes(
    people: Breakdown,
    *,
    shelter_every: int,
    room: tuple[int, int],
    unknown_room_every: int,
    cost_base: int,
    tsunami_reach_m: Mapping[int, Mapping[int, int]],
) -> tuple[Pair, ...]:
    """Say what everybody who sees a result must know.

    `room` is the step of the capacities and how many steps there are; `tsunami_reach_m` says how
    far each level reaches from the sea, by return period in years.
    """
    bare = people.fallbacks
    lost = bare[bare["placed"] == "one point inside the zone"]
    return (
        (
            (
                "Shelters and candidate sites are illustrative: not an official list. The data has "
                "roads only, so they stand at street junctions: in every zone the junction nearest "
                "to the centre of its people; a shelter if the zone's number is divisible by "
                f"{shelter_every}, else a candidate. A zone without a junction has none."
            ),
            (
                "避难场所和候选地点均为示例，并非官方名单。数据只含道路，因此它们设在道路交叉口："
                "每个小区取离人口重心最近的交叉口；"
                f"小区编号能被 {shelter_every} 整除的作为避难场所，其余作为候选地点。"
                "没有交叉口的小区不设。"
            ),
        ),
        capacity(room, shelter_every, unknown_room_every),
        costs(room[0], cost_base),
        tsunami(tsunami_reach_m),
        (
            (
                "Footpaths, stairs and pedestrian areas are missing: the data has roads only, so "
                "real walks can be shorter."
            ),
            "缺少步行道、台阶和步行区：数据只含道路，因此实际步行距离可能更短。",
        ),
        (
            "Every street is walked both ways; motorways and trunk roads are left out.",
            "所有街道均可双向步行；高速公路和干线公路已舍弃。",
        ),
        (
            (
                "Population is modelled, of an unstated year, and broken down along the "
                f"residential streets of each zone. {len(bare)} zones have none: their "
                f"{people_in(bare)} people were put along other streets or, in {len(lost)} zones "
                f"({people_in(lost)} people) without any walkable street, at one point."
            ),
            (
                "人口为模型估算值，年份未注明，沿各小区的居住区道路分配。"
                f"有 {len(bare)} 个小区没有居住区道路：其 {people_in(bare)} 人改沿其他街道分配；"
                f"其中 {len(lost)} 个小区（{people_in(lost)} 人）没有任何可步行的街道，"
                "人口集中于一个点。"
            ),
        ),
        (
            (
                "Districts are not official: three bands from north to south with equal "
                "population, each cut into a western and an eastern half."
            ),
            "各区并非官方区划：由北向南按人口均分为三部，每部再分为西、东两片。",
        ),
        (
            "A zone is named after the street with the greatest length in it.",
            "小区以其范围内总长度最长的街道命名。",
        ),
    )


def capacity(room: tuple[int, int], shelter_every: int, unknown_every: int) -> Pair:
    """Say by what rule shelters have room."""
    step, steps = room
    most = f"{step * steps:,}"
    return (
        (
            "How many people a shelter has room for is illustrative, too: "
            f"{step:,} to {most} in steps of {step:,}, in turn by the zone's number divided by "
            f"{shelter_every}; unknown if the zone's number is divisible by {unknown_every}."
        ),
        (
            f"避难场所的容量同样为示例：按小区编号除以 {shelter_every} 所得的商，"
            f"依次循环取 {step:,} 至 {most} 人，每级相差 {step:,} 人；"
            f"小区编号能被 {unknown_every} 整除的，容量未知。"
        ),
    )


def costs(step: int, base: int) -> Pair:
    """Say by what rule candidate sites have room and cost something."""
    return (
        (
            "Candidate sites have room by the same rule, never unknown; their cost is illustrative "
            f"and in no currency: {base}, and 1 for each {step:,} people that the site would have "
            "room for."
        ),
        (
            "候选地点的容量按同一规则确定，均为已知；其成本为示例，无货币单位："
            f"基数 {base}，每可容纳 {step:,} 人加 1。"
        ),
    )


def tsunami(reach_m: Mapping[int, Mapping[int, int]]) -> Pair:
    """Say by what rule the tsunami zones were drawn."""
    english, chinese = [], []
    for years, reach in reach_m.items():
        levels, distances = (", ".join(map(str, row)) for row in (reach, reach.values()))
        english.append(f"for {years:,} years, levels {levels} reach to {distances} m")
        levels, distances = (text.replace(", ", "、") for text in (levels, distances))
        chinese.append(f"{years:,} 年一遇时，{levels} 级分别至 {distances} 米")
    return (
        (
            "Tsunami zones are illustrative: not a hazard map, and no guide for an evacuation. "
            "They are bands by distance from the sea alone, whatever the height of the ground; the "
            "sea front is the western outline of the zones, not the true coastline: "
            f"{'; '.join(english)}."
        ),
        (
            "海啸危险区为示例，并非灾害图，不能作为疏散依据。仅按离海距离划分条带，不考虑地面高程；"
            f"海岸线取小区西侧外缘，并非真实海岸线：{'；'.join(chinese)}。"
        ),
    )


def people_in(rows: pd.DataFrame) -> str:
    """Write the people of some zones as a number."""
    return f"{int(rows['population'].sum()):,}"


def population(zones: pd.DataFrame) -> Pair:
    """Say what was done with the population of the zones."""
    total = f"{zones['population'].sum():,.1f}"
    whole = f"{int(np.floor(zones['population']).sum()):,}"
    return (
        (
            f"Population {total} (modelled): {whole} in whole people, the fractions of each zone "
            "left out. Names and groups are derived here."
        ),
        f"人口 {total}（模型估算）：各小区舍去小数后合计 {whole} 人。名称和分组由本项目推得。",
    )


def points(people: Breakdown) -> Pair:
    """Say how people became demand points."""
    count = f"{len(people.demand):,}"
    return (
        f"{count} points about 50 m apart along residential streets, weighted by length.",
        f"沿居住区道路约每 50 米设一个点，共 {count} 个，按长度加权。",
    )
