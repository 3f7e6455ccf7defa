"""What the embedded study area Monaco says of itself: English texts beside their Chinese ones.

Both are made here of the same values. A study area stores the English text, and the Chinese one
as its translation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from shelterplan.sources.population import Breakdown, FloorArea

Pair = tuple[str, str]
"""A text in English and in Chinese."""

TITLE: Pair = ("Monaco", "摩纳哥")
OSM: Pair = ("© OpenStreetMap contributors, ODbL 1.0", "© OpenStreetMap 贡献者，ODbL 1.0")
IMSEE: Pair = (
    "IMSEE (Institut monégasque de la statistique et des études économiques)",
    "IMSEE（摩纳哥统计与经济研究所）",
)
ESTIMATED: Pair = (
    "estimated: its share of the remaining people by residential floor area",
    "估算：其余人口按住宅建筑面积分摊",
)
"""How sure the population of a quarter is, if none was published."""

STREETS: Pair = ("Every walkable way, steps included.", "所有可步行的道路，包括台阶。")
QUARTERS: Pair = (
    "Administrative areas of level 10. Les Moneghetti is spelled as on its place node.",
    "第 10 级行政区。Les Moneghetti 的拼写以其地点节点为准。",
)
BORDER: Pair = (
    "Closes three quarters that lack a segment of the border.",
    "用于闭合缺少一段边界的三个街区。",
)
PEOPLE: Pair = (
    (
        "Population of the country, of Larvotto and Monaco-Ville, and the shares of Monte-Carlo "
        "and La Rousse."
    ),
    "全国、Larvotto 和 Monaco-Ville 的人口，以及 Monte-Carlo 和 La Rousse 所占的比例。",
)
SHELTERS: Pair = (
    "Illustrative: public places chosen by a rule.",
    "示例：按规则选出的公共场所。",
)
CANDIDATES: Pair = (
    "Illustrative: the other public places of those kinds.",
    "示例：其余同类公共场所。",
)
HAZARDS: Pair = (
    "Illustrative: bands along coastline and cliffs (see the notes). No hazard map.",
    "示例：沿海岸线和陡崖划出的条带（见须知），并非灾害图。",
)
PLACES: Pair = ("Named places and bus stops.", "有名称的地点和公交站。")


def notes(
    quarters: pd.DataFrame,
    certainty: Mapping[str, Pair],
    *,
    population: int,
    min_open_area_m2: int,
    surge_reach_m: Mapping[int, int],
    landslide_reach_m: Mapping[int, int],
) -> tuple[Pair, ...]:
    """Say what everybody who sees a result must know.

    `certainty` says how sure the population of each quarter is, the reaches how far from the
    coastline or a cliff each level goes.
    """
    listed, listed_zh = populations(quarters, certainty)
    return (
        (
            (
                "Shelters and candidate sites are illustrative: not an official list. They are "
                "named public places in OpenStreetMap: in every quarter the largest open space "
                f"(park, garden, square or pitch of at least {min_open_area_m2:,} m²) and the "
                "largest public building (school, university, sports hall, stadium or town hall) "
                "are shelters; the others of those kinds are candidates."
            ),
            (
                "避难场所和候选地点均为示例，并非官方名单。它们取自 OpenStreetMap "
                "中有名称的公共场所：每个街区中最大的开敞空间"
                f"（面积不小于 {min_open_area_m2:,} 平方米的公园、花园、广场或运动场）"
                "和最大的公共建筑（学校、大学、体育馆、体育场或市政厅）作为避难场所，其余同类场所作为候选地点。"
            ),
        ),
        ("How many people a place has room for is not known.", "各场所可容纳的人数未知。"),
        hazards(surge_reach_m, landslide_reach_m),
        (
            f"Population: {population:,} residents on 31 December 2023 (IMSEE). {listed}.",
            f"人口：2023 年 12 月 31 日常住人口 {population:,} 人（IMSEE）。{listed_zh}。",
        ),
        (
            (
                "Within a quarter, people are placed in residential buildings by footprint times "
                "levels."
            ),
            "街区内的人口按建筑基底面积乘以层数分配到各住宅建筑。",
        ),
        (
            (
                "Quarters are as OpenStreetMap draws them: together the commune of Monaco with its "
                "two harbour basins (2.39 km²; the land is 2.08 km²), without the territorial "
                "waters."
            ),
            (
                "街区边界以 OpenStreetMap 为准，合起来即摩纳哥市镇及其两处港池"
                "（2.39 平方公里，其中陆地 2.08 平方公里），不含领海。"
            ),
        ),
        (
            (
                "Monaco has no level between the quarter and the country: all quarters are in one "
                "district."
            ),
            "摩纳哥在街区与国家之间没有其他行政层级，因此所有街区归为一个区。",
        ),
        (
            "Streets go on into France as far as the extract does; nobody there is counted.",
            "街道数据延伸至法国境内，直到数据提取范围的边缘；当地居民不计入。",
        ),
    )


def hazards(surge_reach_m: Mapping[int, int], landslide_reach_m: Mapping[int, int]) -> Pair:
    """Say by what rule the hazard zones were drawn."""
    (surge, surge_zh), (slide, slide_zh) = map(reaches, (surge_reach_m, landslide_reach_m))
    return (
        (
            "Hazard zones are illustrative: not a hazard map, and no guide for an evacuation. They "
            "are bands by distance alone, whatever the height of the ground: storm surge along "
            f"OpenStreetMap's coastline ({surge}), landslide on both sides of its cliffs "
            f"({slide}). How often that happens is not known."
        ),
        (
            "危险区为示例，并非灾害图，不能作为疏散依据。仅按距离划分条带，不考虑地面高程："
            f"风暴潮沿 OpenStreetMap 的海岸线（{surge_zh}），滑坡在其陡崖两侧（{slide_zh}）。"
            "发生频率未知。"
        ),
    )


def reaches(reach_m: Mapping[int, int]) -> Pair:
    """List how far each level reaches."""
    levels, distances = (", ".join(map(str, row)) for row in (reach_m, reach_m.values()))
    english = f"levels {levels} reach to {distances} m"
    levels, distances = (text.replace(", ", "、") for text in (levels, distances))
    return english, f"{levels} 级分别至 {distances} 米"


def populations(quarters: pd.DataFrame, certainty: Mapping[str, Pair]) -> Pair:
    """List the population of each quarter, and how sure it is."""
    english, chinese = [], []
    for key, quarter in quarters.iterrows():
        sure, sure_zh = certainty.get(str(key), ESTIMATED)
        said = f"{quarter['name']} {quarter['population']:,}"
        english.append(f"{said} ({sure.split(':')[0]})")
        chinese.append(f"{said}（{sure_zh.split('：')[0]}）")
    return "; ".join(english), "；".join(chinese)


def buildings(homes: FloorArea, people: Breakdown) -> Pair:
    """Say how buildings became demand points, and what was assumed."""
    filled = homes.levels_filled
    unknown = filled["buildings"] - filled["levels_known"]
    assumed = [
        (str(kind), f"{row.levels_assumed:g}", unknown[kind])
        for kind, row in filled.iterrows()
        if unknown[kind]
    ]
    english = "; ".join(f"{kind} {levels} levels, {n} buildings" for kind, levels, n in assumed)
    chinese = "；".join(f"{kind} 取 {levels} 层，{n} 栋" for kind, levels, n in assumed)
    return (
        (
            f"{len(people.demand):,} residential buildings have people. Homes are buildings tagged "
            f"{', '.join(filled.index)}; yes only without a tag of another use. Where the number "
            f"of levels is not known, the median of its type was taken ({english}; whole extract)."
        ),
        (
            f"{len(people.demand):,} 栋住宅建筑有人居住。住宅指标签为 {'、'.join(filled.index)} "
            "的建筑，其中 yes 仅在没有其他用途标签时计入。层数未知的建筑取同类建筑层数的中位数"
            f"（{chinese}；按整个数据提取范围统计）。"
        ),
    )
