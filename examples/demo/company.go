package demo

import (
	"slices"
	"time"
)

const companyCount = 500

// Company is an entry of the public register of companies: free of personal data by law, though
// it names the legal representative.
type Company struct {
	USCC                string `json:"uscc"` // unified social credit code, 18 characters
	Name                string `json:"name"`
	LegalRepresentative string `json:"legalRepresentative"`
	RegisteredCapital   int64  `json:"registeredCapital"` // yuan
	Status              string `json:"status"`
	Address             string `json:"address"`
	EstablishedOn       string `json:"establishedOn"` // 2006-01-02
}

var (
	brandGlyphs = []string{
		"华", "盛", "恒", "泰", "鑫", "瑞", "嘉", "德", "信", "诚", "宏", "远", "联",
		"创", "天", "元", "汇", "通", "安", "和", "博", "智", "云", "优", "康",
	}
	industries = []string{
		"科技", "商贸", "信息技术", "餐饮管理", "物流", "建筑工程", "文化传媒", "医疗器械", "教育咨询",
		"电子商务", "机械制造", "农业发展", "物业管理", "汽车服务",
	}
	capitals = []int{100_000, 500_000, 1_000_000, 5_000_000, 10_000_000, 50_000_000} // yuan
)

// Company returns the company with a unified social credit code, and whether there is one.
func (d *Data) Company(uscc string) (Company, bool) {
	i, ok := d.byUSCC[uscc]
	if !ok {
		return Company{}, false
	}
	return d.companies[i], true
}

// Companies returns all companies in the order of the list. The slice is the caller's.
func (d *Data) Companies() []Company { return slices.Clone(d.companies) }

func makeCompanies(seed uint64, n int) ([]Company, map[string]int) {
	list, index := make([]Company, n), make(map[string]int, n)
	for i := range list {
		dice := newDice(seed, kindCompany, i)
		c := newCompany(dice)
		for _, taken := index[c.USCC]; taken; _, taken = index[c.USCC] {
			c = newCompany(dice)
		}
		list[i], index[c.USCC] = c, i
	}
	return list, index
}

func newCompanyName(d dice, seat *city) string {
	brand := pick(d, brandGlyphs) + pick(d, brandGlyphs)
	return seat.short + brand + pick(d, industries) + "有限公司"
}

func newCompany(d dice) Company {
	city := &cities[d.intn(len(cities))]
	region := pick(d, city.regions[:])
	status := "存续"
	if d.oneIn(8) {
		status = pick(d, []string{"注销", "吊销", "迁出"})
	}
	return Company{
		USCC:                newUSCC(d, region),
		Name:                newCompanyName(d, city),
		LegalRepresentative: newPerson(d, d.intn(2) == 1, false).name(),
		RegisteredCapital:   int64(pick(d, capitals)),
		Status:              status,
		Address:             region.office(d),
		EstablishedOn:       d.date(day(1998, 1, 1), day(2025, 6, 30)).Format(time.DateOnly),
	}
}

// newUSCC returns a code of an enterprise (91) registered in a region; its organisation code, as
// those given out since 2015, begins with MA.
func newUSCC(d dice, r region) string {
	org := "MA" + d.text(6, usccAlphabet)
	first17 := "91" + r.code + org + string(orgCheck(org))
	return first17 + string(usccCheck(first17))
}
