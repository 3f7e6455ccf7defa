"""The sites of a proposal on a map: they can be tapped, and dragged to another place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shelterplan.views.escape import escape
from shelterplan.views.map import FeatureGroup, MapTemplate, Point, _lat_lon, _Layer

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, kw_only=True, slots=True)
class ProposedSite:
    """A site of a proposal."""

    at: Point
    tip: str
    used: bool = True
    """Whether anybody would be sent there."""
    chosen: bool = False


class _Proposal(_Layer):
    """Numbered sites.

    The page hears of taps on the map alone, so a tap on a site, and the end of a drag, are told as
    one, with the number of the site and what was done.
    """

    _template = MapTemplate("""
        {% macro script(this, kwargs) %}
        (function (map, group, value) {
            value.sites.forEach(([lat, lon, tip, css, z], row) => {
                const marker = L.marker([lat, lon], {draggable: true, autoPan: true,
                    keyboard: false, zIndexOffset: z, icon: L.divIcon({className: "",
                        html: "<div class='map-site " + css + "'>" + (row + 1) + "</div>",
                        iconSize: [30, 30]})}).bindTooltip(tip).addTo(group);
                const tell = act => {
                    const at = marker.getLatLng();
                    map.fire("click", {latlng: {lat: at.lat, lng: at.lng, row: row, act: act,
                        of: value.of, turn: Date.now()}});
                };
                /* after the click that the end of a drag can be to the map */
                marker.on("dragend", () => setTimeout(() => tell("move"), 0));
                marker.on("click", () => tell("choose"));
            });
            if (value.move && map.getSize().y > 100) {
                const at = L.latLng(value.move);
                map.keepView();
                if (!map.getBounds().pad(-0.1).contains(at)) map.panTo(at, {animate: false});
            }
        })({{ this._parent._parent.get_name() }}, {{ this._parent.get_name() }}, {{ this.value }});
        {% endmacro %}
    """)


def mark_proposal(
    to: FeatureGroup, sites: Sequence[ProposedSite], *, of: str, move: bool = False
) -> None:
    """Put the sites of a proposal on the map.

    Parameters
    ----------
    to
        The group of what changes.
    sites
        Numbered from 1 in this order.
    of
        What comes back with a tap or a drag, so that one meant for other sites is known.
    move
        Whether the chosen site is brought into view.
    """
    chosen = next((site for site in sites if site.chosen), None)
    value = {
        "sites": [
            [*_lat_lon(site.at), escape(site.tip), _css(site), 900 if site.chosen else 600]
            for site in sites
        ],
        "of": of,
        "move": _lat_lon(chosen.at) if move and chosen else None,
    }
    _Proposal("proposal", value).add_to(to)


def _css(site: ProposedSite) -> str:
    return " ".join(name for name, on in (("chosen", site.chosen), ("idle", not site.used)) if on)
