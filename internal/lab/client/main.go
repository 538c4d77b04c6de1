// Command client is what an ordinary program on the AWS SDK for Go v2 looks
// like to vaws: it takes credentials from the SDK's default chain, prints who it
// is, and lists the VPCs it sees. AWS_ENDPOINT_URL points it at the stand-in.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "client: error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithDefaultRegion("us-east-1"))
	if err != nil {
		return err
	}
	identity, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, nil)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "account:", aws.ToString(identity.Account))
	fmt.Fprintln(out, "arn:", aws.ToString(identity.Arn))
	vpcs, err := ec2.NewFromConfig(cfg).DescribeVpcs(ctx, nil)
	if err != nil {
		return err
	}
	for _, vpc := range vpcs.Vpcs {
		fmt.Fprintln(out, "vpc:", aws.ToString(vpc.VpcId), aws.ToString(vpc.CidrBlock))
	}
	return nil
}
